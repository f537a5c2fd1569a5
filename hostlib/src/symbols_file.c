/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols_file.h"

#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define FILE_MAX ((off_t)1 << 30)
#define DIRECTORIES "/usr/lib/debug"
#define ID_MAX 64

/* As GDB's debug-file-directory: a list with colons. */
static const char *directories(void)
{
    const char *set = secure_getenv("HL_DEBUG_DIR");

    return set ? set : DIRECTORIES;
}

bool hl_debug_files_allowed(void)
{
    return strcmp(directories(), "none") != 0;
}

static bool read_all(int fd, uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, data + done, size - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

/* Opening a device can do things: only what is a regular file is opened. */
static int open_regular(const char *path, size_t *size)
{
    struct stat st;
    int fd;

    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > FILE_MAX) {
        close(fd);
        return -1;
    }
    *size = (size_t)st.st_size;
    return fd;
}

static bool is_ours(Elf *elf)
{
    GElf_Ehdr header;

    return elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) &&
           header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
           header.e_machine == EM_X86_64;
}

bool hl_debug_file_read(const char *path, struct hl_debug_file *file)
{
    int fd = hl_debug_files_allowed() ? open_regular(path, &file->size) : -1;
    bool done;

    file->elf = NULL;
    file->data = fd < 0 ? NULL : malloc(file->size);
    if (fd < 0)
        return false;
    done = file->data && read_all(fd, file->data, file->size);
    close(fd);
    if (done)
        file->elf = elf_memory((char *)file->data, file->size);
    if (is_ours(file->elf))
        return true;
    hl_debug_file_close(file);
    return false;
}

void hl_debug_file_close(struct hl_debug_file *file)
{
    elf_end(file->elf);
    free(file->data);
    *file = (struct hl_debug_file){0};
}

/* ---- where ---------------------------------------------------------------------------------- */

struct search {
    const char *directory; /* of the program, without the last slash */
    int length;
    const uint8_t *id; /* build ID, or NULL */
    size_t id_size;
    const char *name; /* of .gnu_debuglink, or NULL */
    uint32_t crc;
    struct hl_debug_file *file;
};

static bool same_id(Elf *elf, const uint8_t *id, size_t size)
{
    const void *found;
    ssize_t n = dwelf_elf_gnu_build_id(elf, &found);

    return n > 0 && (size_t)n == size && memcmp(found, id, size) == 0;
}

static bool try_id(struct search *s, const char *path)
{
    if (!hl_debug_file_read(path, s->file))
        return false;
    if (same_id(s->file->elf, s->id, s->id_size))
        return true;
    hl_debug_file_close(s->file);
    return false;
}

static bool try_link(struct search *s, const char *path)
{
    if (!hl_debug_file_read(path, s->file))
        return false;
    if (crc32_z(crc32_z(0, NULL, 0), s->file->data, s->file->size) == s->crc)
        return true;
    hl_debug_file_close(s->file);
    return false;
}

static bool try_id_in(struct search *s, const char *directory, int length)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%.*s/.build-id/%02x/", length, directory, s->id[0]);

    for (size_t i = 1; i < s->id_size && n > 0 && n + 2 < PATH_MAX; i++)
        n += snprintf(path + n, sizeof(path) - (size_t)n, "%02x", s->id[i]);
    if (n <= 0 || n + (int)sizeof(".debug") > PATH_MAX)
        return false;
    memcpy(path + n, ".debug", sizeof(".debug"));
    return try_id(s, path);
}

static bool try_link_in(struct search *s, const char *directory, int length)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%.*s%.*s/%s", length, directory, s->length, s->directory,
                     s->name);

    return n > 0 && n < PATH_MAX && try_link(s, path);
}

static bool each_directory(struct search *s,
                           bool (*try)(struct search *s, const char *directory, int length))
{
    for (const char *at = directories(); *at;) {
        size_t length = strcspn(at, ":");

        /* What is not absolute would depend on where the host happens to stand. */
        if (*at == '/' && length < PATH_MAX && try(s, at, (int)length))
            return true;
        at += length + (at[length] == ':');
    }
    return false;
}

static bool beside(struct search *s)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%.*s/%s", s->length, s->directory, s->name);

    if (n > 0 && n < PATH_MAX && try_link(s, path))
        return true;
    n = snprintf(path, sizeof(path), "%.*s/.debug/%s", s->length, s->directory, s->name);
    return n > 0 && n < PATH_MAX && try_link(s, path);
}

static struct search search_for(const char *program, struct hl_debug_file *file)
{
    const char *slash = strrchr(program, '/');

    return (struct search){
        .directory = program, .length = slash ? (int)(slash - program) : 0, .file = file};
}

bool hl_debug_file_find(Elf *elf, const char *program, struct hl_debug_file *file, char *wanted,
                        size_t size)
{
    struct search s = search_for(program, file);
    GElf_Word crc = 0;
    const void *id;
    ssize_t n = dwelf_elf_gnu_build_id(elf, &id);

    *wanted = '\0';
    if (n > 1 && n <= ID_MAX) {
        s.id = id;
        s.id_size = (size_t)n;
        if (each_directory(&s, try_id_in))
            return true;
    }
    s.name = dwelf_elf_gnu_debuglink(elf, &crc);
    s.crc = crc;
    if (!s.name || !*s.name)
        return false;
    snprintf(wanted, size, "%s", s.name);
    /* It names a file, not a place. */
    return !strchr(s.name, '/') && (beside(&s) || each_directory(&s, try_link_in));
}

bool hl_debug_file_find_shared(const char *program, const char *name, const void *id,
                               size_t id_size, struct hl_debug_file *file)
{
    struct search s = search_for(program, file);
    char path[PATH_MAX];
    int n;

    if (id_size < 2 || id_size > ID_MAX)
        return false;
    s.id = id;
    s.id_size = id_size;
    n = *name == '/' ? snprintf(path, sizeof(path), "%s", name)
                     : snprintf(path, sizeof(path), "%.*s/%s", s.length, s.directory, name);
    return (n > 0 && n < PATH_MAX && try_id(&s, path)) || each_directory(&s, try_id_in);
}
