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
static bool check_section(Elf *elf, const struct hl_section *section, bool eh)
{
    Elf_Data data = {.d_buf = (void *)(uintptr_t)section->data, .d_size = section->size};
    struct checker checker = {0};
    const uint8_t *ident = (const uint8_t *)elf_getident(elf, NULL);
    Dwarf_Off at = 0, next;
    bool good = ident != NULL;

    while (good) {
        Dwarf_CFI_Entry entry;
        int rc = dwarf_next_cfi(ident, &data, eh, at, &next, &entry);

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

/* .eh_frame is loaded with the program; .debug_frame may be in a file of its own. */
void unwind_cfi_open(struct hl_symbols *symbols)
{
    struct hl_section section[2];
    size_t count = 0;
    bool eh, debug;

    symbols->cfi_read = true;
    hl_dwarf(symbols); /* opens dwarf_elf */
    eh = hl_section_find(symbols->elf, ".eh_frame", &section[count]) &&
         check_section(symbols->elf, &section[count], true);
    count += eh;
    debug = symbols->dwarf_elf &&
            hl_section_find(symbols->dwarf_elf, ".debug_frame", &section[count]) &&
            check_section(symbols->dwarf_elf, &section[count], false);
    count += debug;
    if (count == 0)
        return;
    symbols->cfi_elf = hl_sections_join(section, count, &symbols->cfi_file);
    if (!symbols->cfi_elf)
        return;
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
