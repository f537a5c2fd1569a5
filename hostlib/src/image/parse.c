/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image/parse.c - check the headers and segments of a guest file.
 *
 * The file is not trusted: whatever it contains, checking it takes time and memory in proportion to
 * its size.  So every count has a bound, no bytes are read twice, and addresses are found by
 * bisection.
 */
#include "image.h"

#include <stdlib.h>
#include <string.h>

#include <hl/machine.h>

#include "page.h"

#define GUEST_LOW 0x1000ull
#define GUEST_HIGH 0x0000700000000000ull /* the sandbox's own regions are above */
#define PIE_BASE 0x40000000ull

static int check_machine(const struct hl_image *image, const Elf64_Ehdr *eh, struct hl_error *error)
{
    int c = HL_ERR_NOT_GUEST;
    if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
        return image_error(image, error, c, "not a little-endian ELF file");
    if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64) {
        const char *class = eh->e_ident[EI_CLASS] == ELFCLASS64 ? "64" : "32";
        return image_error(image, error, c,
                           "an ELF file for another machine (%s-bit, machine %u), "
                           "not for x86-64",
                           class, eh->e_machine);
    }
    if (eh->e_type == ET_REL)
        return image_error(image, error, c, "an object file, not a linked program");
    if (eh->e_type != ET_EXEC && eh->e_type != ET_DYN)
        return image_error(image, error, c, "an ELF file of type %u, not a program", eh->e_type);
    return 0;
}

static int find_headers(struct hl_image *image, const Elf64_Ehdr *eh, struct hl_error *error)
{
    size_t size = image->size;
    if (!eh->e_phnum)
        return image_bad(image, error, "no program headers");
    if (eh->e_phoff > size || eh->e_phnum * sizeof(Elf64_Phdr) > size - eh->e_phoff)
        return image_bad(image, error, "truncated program headers");
    if (eh->e_phentsize != sizeof(Elf64_Phdr))
        return image_bad(image, error, "program headers of another size");
    if (eh->e_phnum > HL_IMAGE_HEADERS_MAX)
        return image_error(image, error, HL_ERR_LIMIT, "more than %d program headers",
                           HL_IMAGE_HEADERS_MAX);
    image->headers = image->data + eh->e_phoff;
    image->phnum = eh->e_phnum;
    return 0;
}

/*
 * Dynamic programs and shared objects need a loader, which guests do not have.  Headers with a
 * maximum number are counted here, before any of them is used.
 */
static int check_counts(const struct hl_image *image, struct hl_error *error)
{
    size_t interpreters = 0, dynamics = 0, loads = 0;
    for (size_t i = 0; i < image->phnum; i++) {
        uint32_t type = image_header(image, i).p_type;
        interpreters += type == PT_INTERP;
        dynamics += type == PT_DYNAMIC;
        loads += type == PT_LOAD;
    }
    if (interpreters) {
        image_error(image, error, HL_ERR_NOT_GUEST, "a dynamically linked program");
        hl_error_hint(error, "guests are static: build it with hl-cc");
        return HL_ERR_NOT_GUEST;
    }
    if (dynamics > 1)
        return image_bad(image, error, "more than one dynamic section (PT_DYNAMIC)");
    if (loads > HL_IMAGE_SEGMENTS_MAX)
        return image_error(image, error, HL_ERR_LIMIT, "more than %d segments (PT_LOAD)",
                           HL_IMAGE_SEGMENTS_MAX);
    return 0;
}

static unsigned prot_of(uint32_t flags)
{
    return (flags & PF_R ? HL_PROT_READ : 0) | (flags & PF_W ? HL_PROT_READ | HL_PROT_WRITE : 0) |
           (flags & PF_X ? HL_PROT_READ | HL_PROT_EXEC : 0);
}

static int check_segment(const struct hl_image *image, const Elf64_Phdr *ph, hl_gva_t address,
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

static int add_segment(struct hl_image *image, const Elf64_Phdr *ph, struct hl_error *error)
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

/* C libraries use it as a mask: 0, which ELF allows, would break them. */
static int check_tls(const struct hl_image *image, const Elf64_Phdr *ph, struct hl_error *error)
{
    if (!ph->p_align || (ph->p_align & (ph->p_align - 1)))
        return image_bad(image, error,
                         "thread-local data (PT_TLS) whose alignment is no power of two");
    return 0;
}

/* Segments may share bytes, as packers make them, but not so often that a file grows large. */
static int check_repeats(const struct hl_image *image, struct hl_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < image->segment_count; i++)
        total += image->segments[i].pub.file_size;
    if (total / HL_IMAGE_REPEAT_MAX <= image->size)
        return 0;
    return image_error(image, error, HL_ERR_LIMIT,
                       "segments that take more than %d times the file's bytes",
                       HL_IMAGE_REPEAT_MAX);
}

static int read_segments(struct hl_image *image, struct hl_error *error)
{
    image->segments = calloc(HL_IMAGE_SEGMENTS_MAX, sizeof(*image->segments));
    if (!image->segments)
        return image_error(image, error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < image->phnum; i++) {
        Elf64_Phdr ph = image_header(image, i);
        int rc = ph.p_type == PT_TLS                  ? check_tls(image, &ph, error)
                 : ph.p_type == PT_LOAD && ph.p_memsz ? add_segment(image, &ph, error)
                                                      : 0;
        if (rc)
            return rc;
    }
    if (!image->segment_count)
        return image_bad(image, error, "nothing to load");
    if (!image_in_code(image, image->entry))
        return image_bad(image, error, "an entry point that is not in an executable segment");
    return check_repeats(image, error);
}

/* Where the guest finds its program headers, unless a relocation overwrote them. */
static void place_headers(struct hl_image *image)
{
    uint64_t offset = (uint64_t)(image->headers - image->data);
    size_t size = image->phnum * sizeof(Elf64_Phdr);
    for (size_t i = 0; i < image->segment_count && !image->phdr; i++) {
        const struct image_segment *s = &image->segments[i];
        if (offset < s->offset || offset - s->offset > s->pub.file_size ||
            size > s->pub.file_size - (offset - s->offset))
            continue;
        if (memcmp(s->data + (offset - s->offset), image->headers, size) == 0)
            image->phdr = s->address + (offset - s->offset);
    }
}

int image_check_max(const struct hl_image *image, uint64_t image_max, struct hl_error *error)
{
    uint64_t total = 0;
    for (size_t i = 0; i < image->segment_count; i++)
        total += image->segments[i].pub.size;
    if (total <= image_max)
        return 0;
    image_error(image, error, HL_ERR_LIMIT,
                "its segments need %llu KiB, more than the %llu of "
                "image_max",
                (unsigned long long)total >> 10, (unsigned long long)image_max >> 10);
    hl_error_hint(error, "if it may be so large, raise image_max (hl-dev: --image-max SIZE)");
    return HL_ERR_LIMIT;
}

int image_parse(struct hl_image *image, struct hl_error *error)
{
    Elf64_Ehdr eh;
    if (image->size < sizeof(eh))
        return image_bad(image, error, "truncated ELF header");
    memcpy(&eh, image->data, sizeof(eh));
    int rc = check_machine(image, &eh, error);
    if (!rc)
        rc = find_headers(image, &eh, error);
    if (rc)
        return rc;
    image->pie = eh.e_type == ET_DYN;
    image->bias = image->pie ? PIE_BASE : 0;
    image->entry = eh.e_entry + image->bias;
    rc = check_counts(image, error);
    if (!rc)
        rc = image_find_note(image, error);
    if (!rc)
        rc = read_segments(image, error);
    if (!rc && image->pie)
        rc = image_relocate(image, error);
    if (!rc)
        rc = image_read_tables(image, error);
    if (!rc)
        place_headers(image);
    return rc;
}
