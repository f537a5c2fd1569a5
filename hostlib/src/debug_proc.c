/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug_proc.c - /proc/PID of the guest, as if it were a process: GDB reads these files for `info
 * proc` and for its own core files.
 */
#include "debug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"

/* ---- maps ---- */

struct maps {
    FILE *out;
    const struct hl_debug *d;
};

/* Where in the guest's file the row comes from; false: from no file. */
static bool file_offset(const struct hl_image *image, const struct debug_row *row, uint64_t *offset)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];
        if (row->start < s->pub.start || row->start - s->pub.start >= s->pub.size)
            continue;
        *offset = (s->offset & PAGE_MASK) + (row->start - s->pub.start);
        return true;
    }
    return false;
}

static void put_row(void *opaque, const struct debug_row *row)
{
    const struct maps *maps = opaque;
    uint64_t offset = 0;
    if (row->prot == DEBUG_UNMAPPED)
        return;
    bool file = file_offset(maps->d->sb->image, row, &offset);
    fprintf(maps->out, "%llx-%llx %c%c%cp %08llx 00:00 %d %*s", (unsigned long long)row->start,
            (unsigned long long)row->end, row->prot & HL_PROT_READ ? 'r' : '-',
            row->prot & HL_PROT_WRITE ? 'w' : '-', row->prot & HL_PROT_EXEC ? 'x' : '-',
            (unsigned long long)offset, file, 8, "");
    if (file)
        fprintf(maps->out, "%s\n", maps->d->path);
    else if (strcmp(row->what, "heap: brk") == 0)
        fprintf(maps->out, "[heap]\n"); /* as Linux calls it */
    else
        fprintf(maps->out, "[%s]\n", row->what);
}

static void put_maps(FILE *out, struct hl_debug *d)
{
    debug_each_row(d, put_row, &(struct maps){out, d});
}

/* ---- the others ---- */

static const char *file_name(const struct hl_debug *d)
{
    const char *slash = strrchr(d->path, '/');
    return slash ? slash + 1 : d->path;
}

/* The call stands for the arguments, as in our own core files. */
static void put_cmdline(FILE *out, struct hl_debug *d)
{
    fwrite(d->path, 1, strlen(d->path) + 1, out);
    pthread_mutex_lock(&d->lock);
    if (d->in_call && d->calling && strcmp(d->calling, "main") != 0)
        fwrite(d->calling, 1, strlen(d->calling) + 1, out);
    pthread_mutex_unlock(&d->lock);
}

/* A process that is traced, has no parent and no terminal, and used up no time. */
static void put_stat(FILE *out, struct hl_debug *d)
{
    fprintf(out, "%d (%.15s) t 0 0 0 0 -1 0", (int)getpid(), file_name(d));
    for (int field = 10; field <= 52; field++)
        fprintf(out, " %d", field == 20); /* the 20th: threads */
    fputc('\n', out);
}

static void put_status(FILE *out, struct hl_debug *d)
{
    unsigned user = (unsigned)getuid(), group = (unsigned)getgid();
    fprintf(out, "Name:\t%.15s\nState:\tt (tracing stop)\nPid:\t%d\nPPid:\t0\n", file_name(d),
            (int)getpid());
    fprintf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nThreads:\t1\n", user, user, user,
            user, group, group, group, group);
}

static void put_exe(FILE *out, struct hl_debug *d)
{
    fputs(d->path, out);
}

/* A guest has no files, so no other folder to be in. */
static void put_cwd(FILE *out, struct hl_debug *d)
{
    (void)d;
    fputc('/', out);
}

static const struct {
    const char *name;
    void (*put)(FILE *out, struct hl_debug *d);
} files[] = {{"maps", put_maps},     {"cmdline", put_cmdline}, {"stat", put_stat},
             {"status", put_status}, {"exe", put_exe},         {"cwd", put_cwd}};

int debug_proc(void *target, const char *name, void **data, size_t *size)
{
    struct hl_debug *d = target;
    size_t i = 0, count = sizeof(files) / sizeof(*files);
    char *text = NULL;
    while (i < count && strcmp(files[i].name, name) != 0)
        i++;
    if (i == count)
        return HL_ERR_ARGUMENT;
    if (!debug_may_look(d))
        return HL_ERR_BUSY;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return HL_ERR_MEMORY;
    files[i].put(out, d);
    bool failed = ferror(out);
    if (fclose(out) || failed) {
        free(text);
        return HL_ERR_MEMORY;
    }
    *data = text;
    return 0;
}
