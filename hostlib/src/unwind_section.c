/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frame information that libdw can be trusted with.
 *
 * libdw makes room for whatever register number a rule names, so one rule in a hostile file can
 * cost gigabytes; and through .eh_frame_hdr, or a wild CIE pointer, it would read records that lie
 * inside other ones.  So every record is checked once (6.4 of DWARF 5), and libdw gets a small ELF
 * file that holds nothing but the sections that passed.
 */
#include <stdlib.h>
#include <string.h>

#include "unwind.h"

#define REGISTER_MAX 127
#define REMEMBER_MAX 32
#define BLOCK_MAX 1024

/* What the check of an FDE needs of its CIE. */
struct cie {
    Dwarf_Off offset;
    size_t pointer_size; /* of the FDE's addresses */
    bool sized;          /* the FDE has augmentation data, with its length in front */
};

struct checker {
    struct cie *cie;
    size_t count, room;
};

/* Operands: r register, u LEB128, b block, a digit that many bytes; NULL: not allowed. */
static const char *const operands[64] = {
    [0x00] = "",  [0x02] = "1",  [0x03] = "2",  [0x04] = "4",  [0x05] = "ru", [0x06] = "r",
    [0x07] = "r", [0x08] = "r",  [0x09] = "rr", [0x0a] = "",   [0x0b] = "",   [0x0c] = "ru",
    [0x0d] = "r", [0x0e] = "u",  [0x0f] = "b",  [0x10] = "rb", [0x11] = "ru", [0x12] = "ru",
    [0x13] = "u", [0x14] = "ru", [0x15] = "ru", [0x16] = "rb", [0x2e] = "u",  [0x2f] = "ru",
};

static bool read_uleb(const uint8_t **p, const uint8_t *end, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; *p < end && shift < 64; shift += 7) {
        uint8_t byte = *(*p)++;

        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

static bool check_operand(char kind, const uint8_t **p, const uint8_t *end)
{
    uint64_t value = kind >= '0' && kind <= '9' ? (uint64_t)(kind - '0') : 0;

    if (value == 0 && !read_uleb(p, end, &value))
        return false;
    switch (kind) {
    case 'r':
        return value <= REGISTER_MAX;
    case 'u':
        return true;
    case 'b':
        if (value > BLOCK_MAX)
            return false;
        break;
    default:
        break;
    }
    if (value > (size_t)(end - *p))
        return false;
    *p += value;
    return true;
}

static bool check_program(const uint8_t *p, const uint8_t *end)
{
    unsigned remembered = 0;

    while (p < end) {
        uint8_t op = *p++;
        const char *kinds = op >> 6 == 2 ? "u" : op >> 6 != 0 ? "" : operands[op & 0x3f];

        if (!kinds)
            return false;
        /* 0x0a remember_state, 0x0b restore_state */
        if (op == 0x0a && ++remembered > REMEMBER_MAX)
            return false;
        if (op == 0x0b && remembered-- == 0)
            return false;
        for (; *kinds; kinds++) {
            if (!check_operand(*kinds, &p, end))
                return false;
        }
    }
    return true;
}

/* Bytes of a pointer so encoded (LSB 5.0, 10.5), absolute or relative to its own place; else 0. */
static size_t pointer_size(uint8_t encoding)
{
    switch (encoding & 0x0f) {
    case 0x00:
    case 0x04:
    case 0x0c:
        return 8;
    case 0x03:
    case 0x0b:
        return 4;
    default:
        return 0;
    }
}

/* The augmentations of gcc, clang and gas: "", and z with any of R, P, L, S and B. */
static bool read_augmentation(const Dwarf_CIE *record, struct cie *cie)
{
    const uint8_t *p = record->augmentation_data;
    const uint8_t *end = p + record->augmentation_data_size;
    const char *name = record->augmentation;

    cie->pointer_size = 8;
    cie->sized = *name == 'z';
    if (!cie->sized)
        return *name == '\0';
    while (*++name) {
        size_t size;

        if (*name == 'S' || *name == 'B')
            continue;
        if (!strchr("RPL", *name) || p >= end)
            return false;
        size = pointer_size(*p);
        if (*name == 'R') {
            if (size == 0 || (*p & 0xf0 & ~0x10) != 0)
                return false;
            cie->pointer_size = size;
        }
        if (*name == 'P' && (size == 0 || size > (size_t)(end - p - 1)))
            return false;
        p += *name == 'P' ? 1 + size : 1;
    }
    return true;
}

static bool check_cie(struct checker *checker, Dwarf_Off offset, const Dwarf_CIE *record)
{
    struct cie cie = {.offset = offset};

    if (!read_augmentation(record, &cie) || record->return_address_register > REGISTER_MAX ||
        !check_program(record->initial_instructions, record->initial_instructions_end))
        return false;
    if (checker->count == checker->room) {
        size_t room = checker->room ? checker->room * 2 : 16;
        struct cie *bigger = realloc(checker->cie, room * sizeof(*bigger));

        if (!bigger)
            return false;
        checker->cie = bigger;
        checker->room = room;
    }
    checker->cie[checker->count++] = cie;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct cie *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static bool check_fde(const struct checker *checker, const Dwarf_FDE *record)
{
    struct cie key = {.offset = record->CIE_pointer};
    const struct cie *cie =
        checker->count ? bsearch(&key, checker->cie, checker->count, sizeof(key), compare) : NULL;
    const uint8_t *p = record->start;
    uint64_t size;

    if (!cie || (size_t)(record->end - p) < 2 * cie->pointer_size)
        return false;
    p += 2 * cie->pointer_size;
    if (cie->sized) {
        if (!read_uleb(&p, record->end, &size) || size > (size_t)(record->end - p))
            return false;
        p += size;
    }
    return check_program(p, record->end);
}

/* Every record of the section; a CIE has to come before the FDEs that use it, as they all do. */
static bool check_section(Elf *elf, Elf_Data *data, bool eh)
{
    struct checker checker = {0};
    const uint8_t *ident = (const uint8_t *)elf_getident(elf, NULL);
    Dwarf_Off at = 0, next;
    bool good = ident != NULL;

    while (good) {
        Dwarf_CFI_Entry entry;
        int rc = dwarf_next_cfi(ident, data, eh, at, &next, &entry);

        if (rc > 0)
            break;
        if (rc < 0 || next <= at)
            good = false;
        else if (dwarf_cfi_cie_p(&entry))
            good = check_cie(&checker, at, &entry.cie);
        else
            good = check_fde(&checker, &entry.fde);
        at = next;
    }
    free(checker.cie);
    return good;
}

/* The section's bytes if it is there, uncompressed and good; *address is where it runs. */
static Elf_Data *find_section(Elf *elf, const char *wanted, bool eh, uint64_t *address)
{
    Elf_Scn *scn = NULL;
    size_t strings;

    if (elf_getshdrstrndx(elf, &strings))
        return NULL;
    while ((scn = elf_nextscn(elf, scn))) {
        GElf_Shdr header;
        const char *name;
        Elf_Data *data;

        if (!gelf_getshdr(scn, &header))
            return NULL;
        name = elf_strptr(elf, strings, header.sh_name);
        if (!name || strcmp(name, wanted) != 0)
            continue;
        if (header.sh_type == SHT_NOBITS || (header.sh_flags & SHF_COMPRESSED))
            return NULL;
        data = elf_rawdata(scn, NULL);
        *address = header.sh_addr;
        if (!data || !data->d_buf || data->d_size == 0)
            return NULL;
        return check_section(elf, data, eh) ? data : NULL;
    }
    return NULL;
}

struct small_elf {
    Elf64_Ehdr header;
    Elf64_Shdr section[4]; /* none, strings, .eh_frame, .debug_frame */
    char strings[40];
    uint8_t bytes[];
};

static void put_section(struct small_elf *small, unsigned index, uint32_t name, Elf_Data *data,
                        uint64_t address, size_t *used)
{
    Elf64_Shdr *section = &small->section[index];

    if (!data)
        return;
    memcpy(small->bytes + *used, data->d_buf, data->d_size);
    section->sh_name = name;
    section->sh_type = SHT_PROGBITS;
    section->sh_addr = address;
    section->sh_offset = offsetof(struct small_elf, bytes) + *used;
    section->sh_size = data->d_size;
    section->sh_addralign = 1;
    *used += data->d_size;
}

static void put_headers(struct small_elf *small)
{
    static const char strings[] = "\0.shstrtab\0.eh_frame\0.debug_frame";

    memcpy(small->header.e_ident, ELFMAG, SELFMAG);
    small->header.e_ident[EI_CLASS] = ELFCLASS64;
    small->header.e_ident[EI_DATA] = ELFDATA2LSB;
    small->header.e_ident[EI_VERSION] = EV_CURRENT;
    small->header.e_type = ET_EXEC;
    small->header.e_machine = EM_X86_64;
    small->header.e_version = EV_CURRENT;
    small->header.e_ehsize = sizeof(small->header);
    small->header.e_shoff = offsetof(struct small_elf, section);
    small->header.e_shentsize = sizeof(small->section[0]);
    small->header.e_shnum = 4;
    small->header.e_shstrndx = 1;
    _Static_assert(sizeof(strings) <= sizeof(small->strings), "names");
    memcpy(small->strings, strings, sizeof(strings));
    small->section[1].sh_name = 1;
    small->section[1].sh_type = SHT_STRTAB;
    small->section[1].sh_offset = offsetof(struct small_elf, strings);
    small->section[1].sh_size = sizeof(strings);
    small->section[1].sh_addralign = 1;
}

void unwind_cfi_open(struct hl_symbols *symbols)
{
    uint64_t eh_address = 0, debug_address = 0;
    Elf_Data *eh, *debug;
    struct small_elf *small;
    size_t size, used = 0;
    Elf *elf;

    symbols->cfi_read = true;
    hl_dwarf(symbols); /* opens dwarf_elf, and decompresses its sections */
    elf = symbols->dwarf_elf;
    if (!elf)
        return;
    eh = find_section(elf, ".eh_frame", true, &eh_address);
    debug = find_section(elf, ".debug_frame", false, &debug_address);
    if (!eh && !debug)
        return;
    size = sizeof(*small) + (eh ? eh->d_size : 0) + (debug ? debug->d_size : 0);
    small = calloc(1, size);
    if (!small)
        return;
    put_headers(small);
    put_section(small, 2, 11, eh, eh_address, &used);
    put_section(small, 3, 21, debug, debug_address, &used);
    symbols->cfi_file = small;
    symbols->cfi_elf = elf_memory((char *)small, size);
    symbols->eh_frame = eh ? dwarf_getcfi_elf(symbols->cfi_elf) : NULL;
    symbols->cfi_dwarf = debug ? dwarf_begin_elf(symbols->cfi_elf, DWARF_C_READ, NULL) : NULL;
    symbols->debug_frame = symbols->cfi_dwarf ? dwarf_getcfi(symbols->cfi_dwarf) : NULL;
}

void unwind_cfi_close(struct hl_symbols *symbols)
{
    dwarf_cfi_end(symbols->eh_frame);
    dwarf_end(symbols->cfi_dwarf);
    elf_end(symbols->cfi_elf);
    free(symbols->cfi_file);
}
