/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "env.h"
#include "full_io.h"
#include "symbols_section.h"

#define DIRECTORIES "/usr/lib/debug"
#define ID_MAX 64

/* As GDB's debug-file-directory: a list separated by colons. */
static const char *directories(void)
{
    const char *set = env_value(ENV_DEBUG_DIR);

    return set ? set : DIRECTORIES;
}

/* May other files be searched for at all? */
static bool is_search_allowed(void)
{
    return strcmp(directories(), "none") != 0;
}

/* Opening a device can have side effects: only regular files are opened. */
static int open_regular(const char *path, size_t *size)
{
    struct stat st;
    int fd;

    if (stat(path, &st) || !S_ISREG(st.st_mode))
        return -1;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size <= 0) {
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

bool symbols_debug_file_read(struct hl_budget *budget, const char *path, struct hl_debug_file *file)
{
    bool allowed = is_search_allowed() && budget_take(budget, BUDGET_SYSCALL), done;
    size_t size;
    int fd = allowed ? open_regular(path, &size) : -1;

    *file = (struct hl_debug_file){0};
    if (fd < 0)
        return false;
    if (!budget_take(budget, BUDGET_COPY(size)) || !budget_hold(budget, size)) {
        close(fd);
        return false;
    }
    *file = (struct hl_debug_file){.data = malloc(size), .size = size, .budget = budget};
    done = file->data && read_full(fd, file->data, size) == size;
    close(fd);
    if (done)
        file->elf = elf_memory((char *)file->data, size);
    if (is_ours(file->elf))
        return true;
    symbols_debug_file_close(file);
    return false;
}

void symbols_debug_file_close(struct hl_debug_file *file)
{
    elf_end(file->elf);
    free(file->data);
    if (file->budget)
        budget_release(file->budget, file->size);
    *file = (struct hl_debug_file){0};
}

/* ---- build ID and links of a file ---------------------------------------------- */

#define NOTES_MAX 1024

/* The build ID among the notes of a section or segment. */
static ssize_t id_in(const uint8_t *at, size_t size, const void **id)
{
    for (unsigned n = 0; n < NOTES_MAX; n++) {
        Elf64_Nhdr note;
        size_t name, whole;

        if (size < sizeof(note))
            return -1;
        memcpy(&note, at, sizeof(note));
        name = ((size_t)note.n_namesz + 3) & ~(size_t)3;
        whole = sizeof(note) + name + (((size_t)note.n_descsz + 3) & ~(size_t)3);
        if (sizeof(note) + name + note.n_descsz > size)
            return -1;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof("GNU") &&
            memcmp(at + sizeof(note), "GNU", sizeof("GNU")) == 0) {
            *id = at + sizeof(note) + name;
            return (ssize_t)note.n_descsz;
        }
        if (whole >= size)
            return -1;
        at += whole;
        size -= whole;
    }
    return -1;
}

/* If the section headers are stripped, a segment still has it. */
static ssize_t id_in_segments(Elf *elf, const void **id)
{
    size_t count, size;
    const uint8_t *file = (const uint8_t *)elf_rawfile(elf, &size);

    if (!file || elf_getphdrnum(elf, &count))
        return -1;
    for (size_t i = 0; i < count && i < NOTES_MAX; i++) {
        GElf_Phdr ph;
        ssize_t n = -1;

        if (!gelf_getphdr(elf, (int)i, &ph))
            return -1;
        if (ph.p_type == PT_NOTE && ph.p_offset < size && ph.p_filesz <= size - ph.p_offset)
            n = id_in(file + ph.p_offset, ph.p_filesz, id);
        if (n > 0)
            return n;
    }
    return -1;
}

static ssize_t build_id(Elf *elf, const void **id)
{
    struct hl_section_walk walk;
    struct hl_section s;

    for (symbols_section_start(&walk, elf); symbols_section_next(&walk);) {
        ssize_t size = walk.header.sh_type == SHT_NOTE && symbols_section_data(&walk, &s)
                           ? id_in(s.data, s.size, id)
                           : -1;

        if (size > 0)
            return size;
    }
    return id_in_segments(elf, id);
}

static const char *debuglink(Elf *elf, uint32_t *crc)
{
    struct hl_section s;
    const uint8_t *end;
    size_t at;

    if (!symbols_section_find(elf, ".gnu_debuglink", &s))
        return NULL;
    end = memchr(s.data, '\0', s.size);
    at = end ? ((size_t)(end - s.data) + 4) & ~(size_t)3 : s.size;
    if (at > s.size || s.size - at < sizeof(*crc))
        return NULL;
    memcpy(crc, s.data + at, sizeof(*crc));
    return (const char *)s.data;
}

int symbols_debug_file_altlink(Elf *elf, const char **name, const void **id, size_t *id_size)
{
    struct hl_section s;
    const uint8_t *end;

    if (!symbols_section_find(elf, ".gnu_debugaltlink", &s))
        return 0;
    end = memchr(s.data, '\0', s.size);
    if (!end)
        return -1;
    *name = (const char *)s.data;
    *id = end + 1;
    *id_size = s.size - (size_t)(end + 1 - s.data);
    return 1;
}

/* ---- search path ----------------------------------------------------------------------------- */

struct search {
    struct hl_budget *budget;
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
    ssize_t n = build_id(elf, &found);

    return n > 0 && (size_t)n == size && memcmp(found, id, size) == 0;
}

static bool try_id(struct search *s, const char *path)
{
    if (!symbols_debug_file_read(s->budget, path, s->file))
        return false;
    if (same_id(s->file->elf, s->id, s->id_size))
        return true;
    symbols_debug_file_close(s->file);
    return false;
}

static bool try_link(struct search *s, const char *path)
{
    if (!symbols_debug_file_read(s->budget, path, s->file))
        return false;
    if (budget_take(s->budget, BUDGET_COPY(s->file->size)) &&
        crc32_z(crc32_z(0, NULL, 0), s->file->data, s->file->size) == s->crc)
        return true;
    symbols_debug_file_close(s->file);
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

        /* A relative name would depend on the host's current directory. */
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

static struct search search_for(struct hl_budget *budget, const char *program,
                                struct hl_debug_file *file)
{
    const char *slash = strrchr(program, '/');

    return (struct search){.budget = budget,
                           .directory = program,
                           .length = slash ? (int)(slash - program) : 0,
                           .file = file};
}

bool symbols_debug_file_find(struct hl_budget *budget, Elf *elf, const char *program,
                             struct hl_debug_file *file, char *wanted, size_t size)
{
    struct search s = search_for(budget, program, file);
    uint32_t crc = 0;
    const void *id;
    ssize_t n = build_id(elf, &id);

    *wanted = '\0';
    if (n > 1 && n <= ID_MAX) {
        s.id = id;
        s.id_size = (size_t)n;
        if (each_directory(&s, try_id_in))
            return true;
    }
    s.name = debuglink(elf, &crc);
    s.crc = crc;
    if (!s.name || !*s.name)
        return false;
    snprintf(wanted, size, "%s", s.name);
    /* The link holds a file name, not a path. */
    return !strchr(s.name, '/') && (beside(&s) || each_directory(&s, try_link_in));
}

bool symbols_debug_file_find_shared(struct hl_budget *budget, const char *program, const char *name,
                                    const void *id, size_t id_size, struct hl_debug_file *file)
{
    struct search s = search_for(budget, program, file);
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
