/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Check call frame information before libdw reads it.
 *
 * libdw allocates for any register number that a rule names, so one rule in a hostile file can cost
 * gigabytes; and through .eh_frame_hdr, or a wild CIE pointer, it would read records inside other
 * ones.  So every record is checked once (6.4 of DWARF 5), and libdw gets a small ELF file that
 * holds only the sections that passed.
 */
#include <stdlib.h>
#include <string.h>

#include "sorted.h"
#include "unwind.h"

#define REGISTER_MAX 127
#define REMEMBER_MAX 32
#define LOOK_BACK 16 /* records that may overlap one address */
#define BLOCK_MAX 256
#define PROGRAM_MAX 65536
/* Memory that libdw needs for a record, and for each byte of an expression. */
#define RECORD_BYTES 256
#define OPERATION_BYTES 48

/* What the check of an FDE needs from its CIE. */
struct cie {
    Dwarf_Off offset;
    size_t pointer_size; /* of the FDE's addresses */
    bool relative;       /* to their own address */
    bool sized;          /* the FDE has augmentation data, preceded by its length */
    size_t program;      /* bytes of it */
};

struct checker {
    struct hl_budget *budget;
    const struct hl_section *section;
    struct cie *cie;
    size_t count, room;
    struct hl_fdes *fdes;
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

static bool check_operand(struct hl_budget *budget, char kind, const uint8_t **p,
                          const uint8_t *end)
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
        if (value > BLOCK_MAX || !budget_hold(budget, (value + 1) * OPERATION_BYTES))
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

static bool check_program(struct hl_budget *budget, const uint8_t *p, const uint8_t *end)
{
    unsigned remembered = 0;

    if (end - p > PROGRAM_MAX || !budget_take(budget, (uint64_t)(end - p)))
        return false;
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
            if (!check_operand(budget, *kinds, &p, end))
                return false;
        }
    }
    return true;
}

/* Bytes of a pointer in this encoding (LSB 5.0, 10.5), absolute or relative to itself; else 0. */
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
            cie->relative = (*p & 0x10) != 0;
        }
        if (*name == 'P' && (size == 0 || size > (size_t)(end - p - 1)))
            return false;
        p += *name == 'P' ? 1 + size : 1;
    }
    return true;
}

static bool check_cie(struct checker *checker, Dwarf_Off offset, const Dwarf_CIE *record)
{
    const uint8_t *program = record->initial_instructions, *end = record->initial_instructions_end;
    struct cie cie = {.offset = offset, .program = (size_t)(end - program)}, *more;

    if (!read_augmentation(record, &cie) || record->return_address_register > REGISTER_MAX ||
        !check_program(checker->budget, program, end))
        return false;
    more = budget_grow(checker->budget, checker->cie, checker->count, &checker->room, sizeof(cie));
    if (!more)
        return false;
    checker->cie = more;
    checker->cie[checker->count++] = cie;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct cie *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* A pointer as the FDE has it. */
static uint64_t read_pointer(const struct cie *cie, const uint8_t *p, bool with_sign)
{
    uint64_t value = 0;
    int32_t narrow;

    if (cie->pointer_size == 8) {
        memcpy(&value, p, 8);
        return value;
    }
    memcpy(&narrow, p, 4);
    return with_sign ? (uint64_t)(int64_t)narrow : (uint32_t)narrow;
}

static bool add_fde(struct checker *checker, const struct cie *cie, const uint8_t *p,
                    size_t program)
{
    struct hl_fdes *fdes = checker->fdes;
    struct hl_fde *more =
        budget_grow(checker->budget, fdes->item, fdes->count, &fdes->room, sizeof(*more));
    uint64_t place = checker->section->address + (uint64_t)(p - checker->section->data);
    uint64_t start = read_pointer(cie, p, cie->relative);

    if (!more)
        return false;
    start += cie->relative ? place : 0;
    fdes->item = more;
    more[fdes->count++] = (struct hl_fde){
        .start = start,
        .end = start + read_pointer(cie, p + cie->pointer_size, false),
        .cost = program + cie->program,
    };
    return true;
}

static bool check_fde(struct checker *checker, const Dwarf_FDE *record)
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
    return check_program(checker->budget, p, record->end) &&
           add_fde(checker, cie, record->start, (size_t)(record->end - p));
}

static int compare_fdes(const void *a, const void *b)
{
    const struct hl_fde *x = a, *y = b;

    return x->start < y->start ? -1 : x->start > y->start;
}

/* libdw may choose any of the overlapping ones: each costs as much as the longest. */
static bool sort_fdes(struct hl_budget *budget, struct hl_fdes *fdes)
{
    size_t first = 0;
    uint64_t end = 0, cost = 0;

    if (fdes->count == 0)
        return true;
    if (!budget_take(budget, 16 * fdes->count))
        return false;
    qsort(fdes->item, fdes->count, sizeof(*fdes->item), compare_fdes);
    for (size_t i = 0; i <= fdes->count; i++) {
        const struct hl_fde *f = &fdes->item[i];

        if (i == fdes->count || f->start >= end) {
            while (first < i)
                fdes->item[first++].cost = cost;
            cost = 0;
        }
        if (i == fdes->count)
            break;
        end = f->end > end ? f->end : end;
        cost = f->cost > cost ? f->cost : cost;
    }
    return true;
}

const struct hl_fde *unwind_fde(const struct hl_fdes *fdes, uint64_t pc)
{
    size_t low = SORTED_UP_TO(fdes->item, fdes->count, start, pc);

    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        if (pc < fdes->item[low - 1 - n].end)
            return &fdes->item[low - 1 - n];
    }
    return NULL;
}

/* Check every record of the section; a CIE must precede the FDEs that use it, as is usual. */
static bool check_section(struct hl_symbols *symbols, const struct hl_section *section, bool eh)
{
    Elf_Data data = {.d_buf = (void *)(uintptr_t)section->data, .d_size = section->size};
    struct hl_fdes *fdes = eh ? &symbols->eh_fdes : &symbols->debug_fdes;
    struct checker checker = {.budget = &symbols->budget, .section = section, .fdes = fdes};
    const uint8_t *ident = (const uint8_t *)elf_getident(symbols->elf, NULL);
    Dwarf_Off at = 0, next;
    bool good = ident != NULL;

    while (good) {
        Dwarf_CFI_Entry entry;
        int rc = dwarf_next_cfi(ident, &data, eh, at, &next, &entry);

        if (rc > 0)
            break;
        if (rc < 0 || next <= at || !budget_take(checker.budget, 8) ||
            !budget_hold(checker.budget, RECORD_BYTES))
            good = false;
        else if (dwarf_cfi_cie_p(&entry))
            good = check_cie(&checker, at, &entry.cie);
        else
            good = check_fde(&checker, &entry.fde);
        at = next;
    }
    free(checker.cie);
    good = good && sort_fdes(checker.budget, fdes) && budget_hold(checker.budget, section->size);
    if (!good)
        fdes->count = 0;
    return good;
}

/* .eh_frame is loaded with the program; .debug_frame may be in another file. */
void unwind_cfi_open(struct hl_symbols *symbols)
{
    struct hl_section section[2];
    size_t count = 0, found;
    bool eh, debug;

    symbols->cfi_read = true;
    eh = symbols_section_find(symbols->elf, ".eh_frame", &section[count]) &&
         check_section(symbols, &section[count], true);
    count += eh;
    debug = symbols_sections_read(symbols_dwarf_elf(symbols), ".debug_frame", &symbols->frames, 1,
                                  &found, &symbols->budget) &&
            found &&
            (section[count] = symbols->frames, check_section(symbols, &section[count], false));
    count += debug;
    if (count == 0)
        return;
    symbols->cfi_elf = symbols_sections_join(section, count, &symbols->cfi_file);
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
    symbols_sections_free(&symbols->frames, 1);
    free(symbols->eh_fdes.item);
    free(symbols->debug_fdes.item);
}
