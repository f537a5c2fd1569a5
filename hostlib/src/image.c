/* SPDX-License-Identifier: Apache-2.0 */
/* image.c - open a guest's file and check its headers and segments. */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hl/machine.h>

#include "clock.h"
#include "pagetable.h"
#include "retry.h"

#define GUEST_LOW 0x1000ull
#define GUEST_HIGH 0x0000700000000000ull /* the sandbox's own regions are above */
#define PIE_BASE 0x40000000ull

int image_error(const struct hl_image *image, struct hl_error *error, int code, const char *format,
                ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return hl_error_set(error, code, "%s: %s", image->path, text);
}

int image_bad(const struct hl_image *image, struct hl_error *error, const char *what)
{
    return image_error(image, error, HL_ERR_BAD_IMAGE, "%s", what);
}

const uint8_t *image_bytes(const struct hl_image *image, hl_gva_t gva, size_t size)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];
        if (gva >= s->address && gva - s->address <= s->pub.file_size &&
            size <= s->pub.file_size - (gva - s->address))
            return s->data + (gva - s->address);
    }
    return NULL;
}

static int check_machine(const struct hl_image *image, const GElf_Ehdr *eh, struct hl_error *error)
{
    int c = HL_ERR_NOT_GUEST;
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64) {
        const char *class = eh->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32";
        return image_error(image, error, c,
                           "an ELF file for another machine (%s-bit, machine %u), "
                           "not for x86-64",
                           class, eh->e_machine);
    }
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return image_error(image, error, c, "not a little-endian ELF file");
    if (eh->e_type == ET_REL)
        return image_error(image, error, c, "an object file, not a linked program");
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return image_error(image, error, c, "an ELF file of type %u, not a program", eh->e_type);
    return 0;
}

/* Dynamic programs and shared objects need a loader, and there is none in a guest. */
static int check_static(const struct hl_image *image, Elf *elf, size_t count,
                        struct hl_error *error)
{
    bool dynamic = false;
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph))
            return image_bad(image, error, "truncated program headers");
        dynamic |= ph.p_type == PT_INTERP;
    }
    if (!dynamic)
        return 0;
    image_error(image, error, HL_ERR_NOT_GUEST, "a dynamically linked program");
    hl_error_hint(error, "guests are static: build it with hl-cc");
    return HL_ERR_NOT_GUEST;
}

static unsigned prot_of(uint32_t flags)
{
    return (flags & PF_R ? HL_PROT_READ : 0) | (flags & PF_W ? HL_PROT_READ | HL_PROT_WRITE : 0) |
           (flags & PF_X ? HL_PROT_READ | HL_PROT_EXEC : 0);
}

static int check_segment(const struct hl_image *image, const GElf_Phdr *ph, hl_gva_t address,
                         struct hl_error *error)
{
    uint64_t end;
    if (ph->p_filesz > ph->p_memsz)
        return image_bad(image, error, "a segment with more bytes in the file than in memory");
    if (ph->p_offset > image->size || ph->p_filesz > image->size - ph->p_offset)
        return image_bad(image, error, "truncated: a segment ends past the end of the file");
    if (ph->p_align > 1 && (ph->p_align & (ph->p_align - 1)))
        return image_bad(image, error, "a segment whose alignment is no power of two");
    if ((ph->p_offset ^ ph->p_vaddr) % PAGE_SIZE)
        return image_bad(image, error, "a segment whose offset and address differ within the page");
    if ((ph->p_flags & PF_W) && (ph->p_flags & PF_X))
        return image_bad(image, error, "a segment that is writable and executable");
    if (__builtin_add_overflow(address, ph->p_memsz, &end) || address < GUEST_LOW ||
        end > GUEST_HIGH)
        return image_bad(image, error, "a segment outside the guest's address space");
    return 0;
}

static int add_segment(struct hl_image *image, const GElf_Phdr *ph, struct hl_error *error)
{
    hl_gva_t address = ph->p_vaddr + image->bias;
    int rc = check_segment(image, ph, address, error);
    if (rc)
        return rc;
    struct image_segment *s = &image->segments[image->segment_count];
    hl_gva_t start = address & PAGE_MASK;
    hl_gva_t end = (address + ph->p_memsz + PAGE_SIZE - 1) & PAGE_MASK;
    if (image->segment_count) {
        const struct hl_segment *last = &s[-1].pub;
        if (start < last->start + last->size)
            return image_bad(image, error,
                             "segments that overlap, share a page or are out of order");
    }
    if (end - (image->segment_count ? image->segments[0].pub.start : start) > HL_IMAGE_MEMORY_MAX)
        return image_error(image, error, HL_ERR_LIMIT, "needs more than %llu MiB of addresses",
                           HL_IMAGE_MEMORY_MAX >> 20);
    *s = (struct image_segment){
        .pub = {.start = start,
                .size = end - start,
                .file_size = ph->p_filesz,
                .prot = prot_of(ph->p_flags)},
        .address = address,
        .data = image->data + ph->p_offset,
        .offset = ph->p_offset,
    };
    image->segment_count++;
    return 0;
}

/* Libcs take it as a mask, so 0, which ELF allows, would give them nonsense. */
static int check_tls(const struct hl_image *image, const GElf_Phdr *ph, struct hl_error *error)
{
    if (!ph->p_align || (ph->p_align & (ph->p_align - 1)))
        return image_bad(image, error,
                         "thread-local data (PT_TLS) whose alignment is no power of two");
    return 0;
}

static int read_segments(struct hl_image *image, Elf *elf, size_t count, struct hl_error *error)
{
    image->segments = calloc(count, sizeof(*image->segments));
    if (!image->segments)
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr ph;
        if (!gelf_getphdr(elf, (int)i, &ph))
            return image_bad(image, error, "truncated program headers");
        int rc = ph.p_type == PT_TLS                  ? check_tls(image, &ph, error)
                 : ph.p_type == PT_LOAD && ph.p_memsz ? add_segment(image, &ph, error)
                                                      : 0;
        if (rc)
            return rc;
    }
    if (!image->segment_count)
        return image_bad(image, error, "nothing to load");
    return 0;
}

static int check_entry(const struct hl_image *image, struct hl_error *error)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct hl_segment *s = &image->segments[i].pub;
        if ((s->prot & HL_PROT_EXEC) && image->entry >= s->start &&
            image->entry - s->start < s->size)
            return 0;
    }
    return image_bad(image, error, "an entry point that is not in an executable segment");
}

static int parse(struct hl_image *image, Elf *elf, struct hl_error *error)
{
    GElf_Ehdr eh;
    size_t count;
    if (elf_kind(elf) != ELF_K_ELF)
        return image_error(image, error, HL_ERR_NOT_GUEST, "not an ELF file");
    if (!gelf_getehdr(elf, &eh))
        return image_bad(image, error, "truncated ELF header");
    int rc = check_machine(image, &eh, error);
    if (rc)
        return rc;
    if (elf_getphdrnum(elf, &count) || !count || count > UINT16_MAX)
        return image_bad(image, error, "no program headers, or truncated");
    if (eh.e_phentsize != sizeof(Elf64_Phdr)) /* libelf does not look */
        return image_bad(image, error, "program headers of another size");
    image->pie = eh.e_type == ET_DYN;
    image->bias = image->pie ? PIE_BASE : 0;
    image->entry = eh.e_entry + image->bias;
    image->phnum = (uint16_t)count;
    image->phentsize = eh.e_phentsize;
    rc = check_static(image, elf, count, error);
    if (!rc)
        rc = image_find_note(image, elf, error);
    if (!rc)
        rc = read_segments(image, elf, count, error);
    if (!rc)
        rc = check_entry(image, error);
    if (!rc && image->pie)
        rc = image_relocate(image, elf, error);
    if (!rc)
        rc = image_read_tables(image, error);
    if (rc)
        return rc;
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct image_segment *s = &image->segments[i];
        uint64_t offset = (uint64_t)eh.e_phoff, size = (uint64_t)count * eh.e_phentsize;
        hl_gva_t at = s->address + offset;
        /* Only the segment that starts at the file's first byte holds them in its memory. */
        if (s->address % PAGE_SIZE == 0 && offset < s->pub.file_size &&
            image_bytes(image, at, size) &&
            memcmp(image_bytes(image, at, size), image->data + offset, size) == 0) {
            image->phdr = at;
            break;
        }
    }
    return 0;
}

/* Takes data over, even when it fails. */
static int open_data(struct hl_image **out, const char *name, uint8_t *data, size_t size,
                     struct hl_error *error)
{
    struct hl_image *image = calloc(1, sizeof(*image));
    if (!image || !(image->path = strdup(name))) {
        free(image);
        free(data);
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", name);
    }
    image->data = data;
    image->size = size;
    elf_version(EV_CURRENT);
    Elf *elf = elf_memory((char *)data, size);
    int rc = elf ? parse(image, elf, error)
                 : image_error(image, error, HL_ERR_NOT_GUEST, "not an ELF file");
    elf_end(elf);
    if (rc) {
        hl_image_close(image);
        return rc;
    }
    *out = image;
    return 0;
}

static int read_failed(const char *path, int e, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_FILE, "%s: %s", path, strerror(e));
    if (error)
        error->sys_errno = e;
    return HL_ERR_FILE;
}

static int read_all(int fd, const char *path, uint8_t *data, size_t size, struct hl_error *error)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = RETRY(read(fd, data + done, size - done));
        if (n <= 0)
            return read_failed(path, n ? errno : EIO, error);
        done += (size_t)n;
    }
    return 0;
}

static int read_file(int fd, const char *path, uint8_t **data, size_t *size, struct hl_error *error)
{
    struct stat st;
    if (fstat(fd, &st))
        return read_failed(path, errno, error);
    if (S_ISDIR(st.st_mode))
        return read_failed(path, EISDIR, error);
    if (!S_ISREG(st.st_mode))
        return hl_error_set(error, HL_ERR_FILE, "%s: not a regular file", path);
    if ((uint64_t)st.st_size > HL_IMAGE_FILE_MAX)
        return hl_error_set(error, HL_ERR_LIMIT, "%s: larger than %llu MiB", path,
                            HL_IMAGE_FILE_MAX >> 20);
    if (st.st_size == 0)
        return hl_error_set(error, HL_ERR_NOT_GUEST, "%s: an empty file", path);
    *size = (size_t)st.st_size;
    *data = malloc(*size);
    if (!*data)
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", path);
    int rc = read_all(fd, path, *data, *size, error);
    if (rc) {
        free(*data);
        *data = NULL;
    }
    return rc;
}

int hl_image_open(struct hl_image **image, const char *path, struct hl_error *error)
{
    uint8_t *data = NULL;
    size_t size = 0;
    if (!image || !path)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no path");
    uint64_t began = clock_now();
    /* O_NONBLOCK: a fifo must not hang the host before it is refused. */
    int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (fd < 0)
        return read_failed(path, errno, error);
    int rc = read_file(fd, path, &data, &size, error);
    close(fd);
    if (!rc)
        rc = open_data(image, path, data, size, error);
    if (!rc) {
        (*image)->file = realpath(path, NULL);
        (*image)->load_ns = clock_now() - began;
    }
    return rc;
}

int hl_image_from_memory(struct hl_image **image, const char *name, const void *data, size_t size,
                         struct hl_error *error)
{
    if (!image || !name || (!data && size))
        return hl_error_set(error, HL_ERR_ARGUMENT, "no data");
    if (size > HL_IMAGE_FILE_MAX)
        return hl_error_set(error, HL_ERR_LIMIT, "%s: larger than %llu MiB", name,
                            HL_IMAGE_FILE_MAX >> 20);
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        return hl_error_set(error, HL_ERR_MEMORY, "%s: out of memory", name);
    if (size)
        memcpy(copy, data, size);
    return open_data(image, name, copy, size, error);
}

const struct hl_image *image_use(const struct hl_image *image)
{
    atomic_fetch_add(&((struct hl_image *)(uintptr_t)image)->users, 1);
    return image;
}

void image_unuse(const struct hl_image *image)
{
    hl_image_close((struct hl_image *)(uintptr_t)image);
}

void hl_image_close(struct hl_image *image)
{
    if (!image || atomic_fetch_sub(&image->users, 1))
        return;
    free(image->by_name);
    free(image->functions);
    free(image->imports);
    free(image->segments);
    free(image->relocated);
    free(image->data);
    free(image->file);
    free(image->path);
    free(image);
}

const char *hl_image_path(const struct hl_image *image)
{
    return image->path;
}

const void *hl_image_data(const struct hl_image *image, size_t *size)
{
    *size = image->size;
    return image->data;
}

hl_gva_t hl_image_entry(const struct hl_image *image)
{
    return image->entry;
}

uint64_t hl_image_bias(const struct hl_image *image)
{
    return image->bias;
}

unsigned hl_image_flags(const struct hl_image *image)
{
    return image->note.flags;
}

int hl_image_is_pie(const struct hl_image *image)
{
    return image->pie;
}

size_t hl_image_segment_count(const struct hl_image *image)
{
    return image->segment_count;
}

const struct hl_segment *hl_image_segment(const struct hl_image *image, size_t index)
{
    return index < image->segment_count ? &image->segments[index].pub : NULL;
}
