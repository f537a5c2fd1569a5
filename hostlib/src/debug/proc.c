/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/proc.c - /proc/PID files for the guest, as if it were a process: GDB reads them for `info
 * proc` and for its own core files.
 */
#include "debug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "names.h"

/* ---- maps ---- */

struct maps {
    FILE *out;
    const struct hl_debug *d;
};

/* The position of the row in the guest's file; false: it does not come from the file. */
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
    char prot[4];
    if (row->prot == DEBUG_UNMAPPED)
        return;
    bool file = file_offset(maps->d->sb->image, row, &offset);
    fprintf(maps->out, "%llx-%llx %sp %08llx 00:00 %d %*s", (unsigned long long)row->start,
            (unsigned long long)row->end, prot_text(row->prot, prot), (unsigned long long)offset,
            file, 8, "");
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

static void put_size(FILE *out, const char *what, unsigned long long bytes)
{
    int gap = 15 - (int)strlen(what); /* as proc(5) aligns them */
    fprintf(out, "%s:%*s%8llu kB\n", what, gap, "", bytes / 1024);
}

/* All mapped pages are present; pages that cannot be written are as in the file. */
static void put_smap(void *opaque, const struct debug_row *row)
{
    const struct maps *maps = opaque;
    uint64_t offset, size = row->end - row->start;
    if (row->prot == DEBUG_UNMAPPED)
        return;
    bool clean = !(row->prot & HL_PROT_WRITE) && file_offset(maps->d->sb->image, row, &offset);
    put_row(opaque, row);
    put_size(maps->out, "Size", size);
    put_size(maps->out, "KernelPageSize", PAGE_SIZE);
    put_size(maps->out, "MMUPageSize", PAGE_SIZE);
    put_size(maps->out, "Rss", size);
    put_size(maps->out, "Pss", size);
    put_size(maps->out, "Shared_Clean", 0);
    put_size(maps->out, "Shared_Dirty", 0);
    put_size(maps->out, "Private_Clean", clean ? size : 0);
    put_size(maps->out, "Private_Dirty", clean ? 0 : size);
    put_size(maps->out, "Referenced", size);
    /*
     * Dirty in full: a guest has a copy of its file, and GDB's generate-core-file omits clean
     * pages.
     */
    put_size(maps->out, "Anonymous", size);
    put_size(maps->out, "Swap", 0);
    put_size(maps->out, "Locked", 0);
    fprintf(maps->out, "VmFlags:%s%s%s mr mw me ac\n", row->prot & HL_PROT_READ ? " rd" : "",
            row->prot & HL_PROT_WRITE ? " wr" : "", row->prot & HL_PROT_EXEC ? " ex" : "");
}

static void put_smaps(FILE *out, struct hl_debug *d)
{
    debug_each_row(d, put_smap, &(struct maps){out, d});
}

/* ---- the others ---- */

const char *debug_file_name(const struct hl_debug *d)
{
    const char *slash = strrchr(d->path, '/');
    return slash ? slash + 1 : d->path;
}

/* For a call, its name stands for the arguments, as in our own core files. */
static void put_cmdline(FILE *out, struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    const char *call =
        d->in_call && d->calling && strcmp(d->calling, "main") != 0 ? d->calling : NULL;
    if (call || !debug_put_strings(out, d, DEBUG_ARGV))
        fwrite(d->path, 1, strlen(d->path) + 1, out);
    if (call)
        fwrite(call, 1, strlen(call) + 1, out);
    pthread_mutex_unlock(&d->lock);
}

static void put_environ(FILE *out, struct hl_debug *d)
{
    debug_put_strings(out, d, DEBUG_ENVP);
}

static void put_auxv(FILE *out, struct hl_debug *d)
{
    Elf64_auxv_t aux[LAYOUT_AUX_MAX];
    fwrite(aux, sizeof(aux[0]), layout_auxv(d->sb, aux), out);
}

static void add_row(void *opaque, const struct debug_row *row)
{
    uint64_t *bytes = opaque;
    if (row->prot != DEBUG_UNMAPPED)
        *bytes += row->end - row->start;
}

static uint64_t mapped_bytes(const struct hl_debug *d)
{
    uint64_t bytes = 0;
    debug_each_row(d, add_row, &bytes);
    return bytes;
}

/* A traced process without parent, terminal and CPU time: proc(5). */
static void put_stat(FILE *out, struct hl_debug *d)
{
    enum { THREADS = 20, VSIZE = 23, RSS, RSSLIM, START_CODE, END_CODE, START_STACK, FIELDS = 52 };
    const struct hl_region *stack = &d->sb->region[REGION_STACK];
    uint64_t field[FIELDS + 1] = {
        [THREADS] = 1, [RSSLIM] = UINT64_MAX, [START_STACK] = stack->start + stack->size};
    field[VSIZE] = mapped_bytes(d);
    field[RSS] = field[VSIZE] / PAGE_SIZE;
    for (size_t i = 0; i < hl_image_segment_count(d->sb->image); i++) {
        const struct hl_segment *s = hl_image_segment(d->sb->image, i);
        if (!(s->prot & HL_PROT_EXEC))
            continue;
        if (!field[START_CODE])
            field[START_CODE] = s->start;
        field[END_CODE] = s->start + s->size;
    }
    fprintf(out, "%d (%.15s) t 0 0 0 0 -1 0", (int)getpid(), debug_file_name(d));
    for (int i = 10; i <= FIELDS; i++)
        fprintf(out, " %llu", (unsigned long long)field[i]);
    fputc('\n', out);
}

static void put_status(FILE *out, struct hl_debug *d)
{
    unsigned user = (unsigned)getuid(), group = (unsigned)getgid();
    unsigned long long kb = mapped_bytes(d) / 1024;
    fprintf(out, "Name:\t%.15s\nState:\tt (tracing stop)\nPid:\t%d\nPPid:\t0\n", debug_file_name(d),
            (int)getpid());
    fprintf(out, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", user, user, user, user, group,
            group, group, group);
    fprintf(out, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\nThreads:\t1\n", kb, kb);
}

static void put_comm(FILE *out, struct hl_debug *d)
{
    fprintf(out, "%.15s\n", debug_file_name(d));
}

static void put_exe(FILE *out, struct hl_debug *d)
{
    fputs(d->path, out);
}

/* A guest has no file system, so its current directory is always this one. */
static void put_root(FILE *out, struct hl_debug *d)
{
    (void)d;
    fputc('/', out);
}

static const struct {
    const char *name;
    void (*put)(FILE *out, struct hl_debug *d);
} files[] = {{"maps", put_maps}, {"smaps", put_smaps}, {"cmdline", put_cmdline},
             {"stat", put_stat}, {"comm", put_comm},   {"environ", put_environ},
             {"auxv", put_auxv}, {"exe", put_exe},     {"status", put_status},
             {"cwd", put_root},  {"root", put_root}};

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
