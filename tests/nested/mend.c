// SPDX-License-Identifier: Apache-2.0
/*
 * mend IN OUT WHAT...: a copy of Debian's qemu-system-x86_64 with faults of TCG's SVM mended.
 *
 *   int3  raise_interrupt2() checks SVM_EXIT_SWINT (0x75) for every software interrupt. INT3 has to
 *         check the intercept of exception 3 (0x43); else KVM never sees a software breakpoint.
 *   io    helper_check_io() wants a TSS of type 9. VMRUN loads a busy one (11), as processors have
 *         it, so the I/O bitmap is never looked at and every `out` at ring 3 is refused.
 *
 * Both places are found by their code; unless there is exactly one match, with the surroundings
 * that give the registers their meaning, the build is not one we know and nothing is written.
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct image {
    uint8_t *data;
    size_t size;
    size_t text, end; // file offsets of the executable segment
};

#define ANY 0x100

static int match(const uint8_t *p, const uint16_t *pattern, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pattern[i] != ANY && pattern[i] != p[i])
            return 0;
    return 1;
}

static size_t find_once(const struct image *im, const uint16_t *pattern, size_t n)
{
    size_t at = 0;

    for (size_t i = im->text; i + n <= im->end; i++) {
        if (!match(im->data + i, pattern, n))
            continue;
        if (at)
            return 0;
        at = i;
    }
    return at;
}

static int unknown(const char *what)
{
    fprintf(stderr, "mend: %s: not a build of QEMU this mend knows\n", what);
    return -1;
}

static void put32(uint8_t *p, size_t target, size_t next)
{
    uint32_t rel = (uint32_t)(target - next);

    memcpy(p, &rel, sizeof(rel)); // little-endian host: this is amd64 only
}

static int mend_int3(struct image *im)
{
    // mov %r9,%rcx; xor %edx,%edx; mov $0x75,%esi; call
    static const uint16_t place[] = {0x4c, 0x89, 0xc9, 0x31, 0xd2, 0xbe, 0x75, 0, 0, 0, 0xe8};
    static const uint16_t save[] = {0x41, 0x89, 0xf4};        // mov %esi,%r12d: the vector
    static const uint16_t branch[] = {0x85, 0xd2, 0x75, ANY}; // test %edx,%edx (is_int); jne
    // cmp $3,%r12d; mov $0x75,%esi; jne 1f; mov $0x43,%esi; 1: jmp
    static const uint8_t stub[] = {0x41, 0x83, 0xfc, 3,    0xbe, 0x75, 0, 0,   0,
                                   0x75, 5,    0xbe, 0x43, 0,    0,    0, 0xe9};
    size_t at = find_once(im, place, sizeof(place) / sizeof(place[0]));
    size_t cave = (im->end + 15) & ~(size_t)15, back = 0, len = sizeof(stub) + 4;
    int saved = 0;

    if (!at || at < im->text + 130)
        return unknown("int3");
    for (size_t i = at - 129; i < at && !back; i++) {
        saved |= match(im->data + i, save, 3);
        if (match(im->data + i, branch, 4) && i + 4 + im->data[i + 3] == at)
            back = i;
    }
    if (!back || !saved)
        return unknown("int3");
    // The rest of the segment's last page is mapped too, and empty.
    if (cave + len > ((im->end + 4095) & ~(size_t)4095) || cave + len > im->size)
        return unknown("int3 (no room)");
    for (size_t i = im->end; i < cave + len; i++)
        if (im->data[i])
            return unknown("int3 (no room)");
    memcpy(im->data + cave, stub, sizeof(stub));
    put32(im->data + cave + sizeof(stub), at + 10, cave + len);
    im->data[at + 5] = 0xe9; // in place of the five bytes of mov $0x75,%esi
    put32(im->data + at + 6, cave, at + 10);
    return 0;
}

static int mend_io(struct image *im)
{
    // shr $8,%eax; and $15,%eax; cmp $9,%eax; jne refuse; cmpl $0x66,tr.limit(%rdi)
    static const uint16_t place[] = {0xc1, 0xe8, 8,    0x83, 0xe0, 15,  0x83, 0xf8,
                                     9,    0x0f, 0x85, ANY,  ANY,  ANY, ANY,  0x83,
                                     0xbf, ANY,  ANY,  ANY,  ANY,  0x66};
    size_t at = find_once(im, place, sizeof(place) / sizeof(place[0]));

    if (!at)
        return unknown("io");
    im->data[at + 5] = 13; // the mask now drops the busy bit
    return 0;
}

static int load(struct image *im, const char *path)
{
    FILE *f = fopen(path, "rb");
    const Elf64_Ehdr *eh;
    long size;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < (long)sizeof(*eh))
        return perror(path), -1;
    rewind(f);
    im->size = (size_t)size;
    im->data = malloc(im->size);
    if (!im->data || fread(im->data, 1, im->size, f) != im->size)
        return perror(path), -1;
    fclose(f);
    eh = (const Elf64_Ehdr *)im->data;
    if (memcmp(eh->e_ident, ELFMAG, SELFMAG) || eh->e_ident[EI_CLASS] != ELFCLASS64 ||
        eh->e_phoff > im->size || eh->e_phnum * sizeof(Elf64_Phdr) > im->size - eh->e_phoff)
        return unknown(path);
    for (size_t i = 0; i < eh->e_phnum; i++) {
        const Elf64_Phdr *ph = (const Elf64_Phdr *)(im->data + eh->e_phoff) + i;

        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        im->text = ph->p_offset;
        im->end = ph->p_offset + ph->p_filesz;
        return im->text < im->end && im->end <= im->size ? 0 : unknown(path);
    }
    return unknown(path);
}

static int save(const struct image *im, const char *path)
{
    FILE *f = fopen(path, "wb");

    if (!f || fwrite(im->data, 1, im->size, f) != im->size || fclose(f))
        return perror(path), -1;
    return 0;
}

int main(int argc, char **argv)
{
    struct image im = {0};

    if (argc < 4)
        return fprintf(stderr, "usage: mend IN OUT [int3] [io]\n"), 2;
    if (load(&im, argv[1]) < 0)
        return 1;
    for (int i = 3; i < argc; i++)
        if ((strcmp(argv[i], "io") ? mend_int3(&im) : mend_io(&im)) < 0)
            return 1;
    return save(&im, argv[2]) < 0;
}
