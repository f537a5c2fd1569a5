/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF symbol table, sorted by address at the first question.
 *
 * A function of known size covers its own bytes and no more.  Labels and functions without a size
 * (assembly) reach to the next symbol or the end of their section, and count only where no sized
 * function is.
 */
#include <stdlib.h>
#include <string.h>

#include "symbols_impl.h"

#define SYMBOLS_MAX ((size_t)8 << 20) /* read no more than this: a table may be all lies */
#define LOOK_BACK 64                  /* symbols that may overlap one address */

struct source {
    Elf *elf;
    Elf_Data *data;
    size_t count;
    size_t strings; /* section of the names */
};

/* libelf would inflate a compressed one, to whatever size it claims; no linker writes those. */
static bool plain_strings(Elf *elf, size_t section)
{
    Elf_Scn *scn = elf_getscn(elf, section);
    GElf_Shdr header;

    return scn && gelf_getshdr(scn, &header) && !(header.sh_flags & SHF_COMPRESSED);
}

/* The first SHT_SYMTAB of the file. */
static bool open_elf(Elf *elf, struct source *source)
{
    Elf_Scn *scn = NULL;
    GElf_Shdr header;

    while ((scn = elf_nextscn(elf, scn))) {
        if (!gelf_getshdr(scn, &header) || header.sh_type != SHT_SYMTAB)
            continue;
        /* As for their strings: compressed ones are left alone. */
        if (header.sh_flags & SHF_COMPRESSED)
            return false;
        source->elf = elf;
        source->data = elf_getdata(scn, NULL);
        if (!source->data || source->data->d_type != ELF_T_SYM || !source->data->d_buf)
            return false;
        source->count = source->data->d_size / sizeof(Elf64_Sym);
        if (source->count > SYMBOLS_MAX)
            source->count = SYMBOLS_MAX;
        source->strings = header.sh_link;
        return plain_strings(elf, source->strings);
    }
    return false;
}

/* The program's own, or that which was stripped from it. */
static bool open_source(struct hl_symbols *symbols, struct source *source)
{
    struct hl_debug_file *separate;

    if (open_elf(symbols->elf, source))
        return true;
    separate = hl_symbols_separate(symbols);
    return separate->elf && open_elf(separate->elf, source);
}

/* A defined symbol with a name: its name, else NULL. */
static const char *read_symbol(const struct source *source, size_t index, GElf_Sym *sym)
{
    const char *name;

    if (!gelf_getsym(source->data, (int)index, sym) || sym->st_shndx == SHN_UNDEF)
        return NULL;
    name = elf_strptr(source->elf, source->strings, sym->st_name);
    return name && *name ? name : NULL;
}

/* End of the executable section that holds the symbol, 0 where there is none. */
static uint64_t section_end(Elf *elf, const GElf_Sym *sym)
{
    GElf_Shdr header;
    Elf_Scn *scn;
    uint64_t end;

    if (sym->st_shndx >= SHN_LORESERVE)
        return 0;
    scn = elf_getscn(elf, sym->st_shndx);
    if (!scn || !gelf_getshdr(scn, &header) || !(header.sh_flags & SHF_EXECINSTR))
        return 0;
    if (__builtin_add_overflow(header.sh_addr, header.sh_size, &end) ||
        sym->st_value < header.sh_addr || sym->st_value >= end)
        return 0;
    return end;
}

/* Sized functions first, then what a programmer would rather read: global, fewer underscores. */
static unsigned rank_of(const GElf_Sym *sym, const char *name, bool label)
{
    unsigned rank = label ? 64 : 0;
    unsigned bind = GELF_ST_BIND(sym->st_info);
    size_t underscores = strspn(name, "_");

    rank += bind == STB_LOCAL ? 32 : 0;
    rank += (unsigned)(underscores > 7 ? 7 : underscores) * 2;
    return rank + (bind == STB_WEAK ? 1 : 0);
}

/* True where the symbol names code; `end` of labels is that of their section for now. */
static bool take(const struct source *source, size_t index, struct hl_symbol *symbol)
{
    GElf_Sym sym;
    const char *name = read_symbol(source, index, &sym);
    unsigned type;
    bool label;
    uint64_t end;

    if (!name)
        return false;
    type = GELF_ST_TYPE(sym.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    end = section_end(source->elf, &sym);
    if (end == 0)
        return false;
    label = type == STT_NOTYPE || sym.st_size == 0;
    symbol->start = sym.st_value;
    symbol->name = name;
    symbol->rank = rank_of(&sym, name, label);
    symbol->end = end;
    if (sym.st_size != 0 && sym.st_size < end - sym.st_value)
        symbol->end = sym.st_value + sym.st_size;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct hl_symbol *x = a, *y = b;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Drop aliases and labels inside sized functions; end each label where the next symbol starts. */
static size_t tidy(struct hl_symbol *table, size_t count)
{
    uint64_t covered = 0;
    size_t kept = 0;

    for (size_t i = 0; i < count; i++) {
        struct hl_symbol *symbol = &table[i];
        struct hl_symbol *last = kept ? &table[kept - 1] : NULL;
        bool label = symbol->rank >= 64;

        if (label && symbol->start < covered)
            continue;
        if (last && last->start == symbol->start && last->end >= symbol->end)
            continue;
        if (last && last->rank >= 64 && last->end > symbol->start && last->start != symbol->start)
            last->end = symbol->start;
        if (!label && symbol->end > covered)
            covered = symbol->end;
        table[kept++] = *symbol;
    }
    return kept;
}

static void read_table(struct hl_symbols *symbols)
{
    struct source source;
    struct hl_symbol *table, *fitted;
    size_t count = 0;

    symbols->table_read = true;
    if (!open_source(symbols, &source) || source.count == 0)
        return;
    table = calloc(source.count, sizeof(*table));
    if (!table)
        return;
    for (size_t i = 0; i < source.count; i++)
        count += take(&source, i, &table[count]);
    qsort(table, count, sizeof(*table), compare);
    count = tidy(table, count);
    fitted = realloc(table, (count ? count : 1) * sizeof(*table));
    symbols->table = fitted ? fitted : table;
    symbols->table_count = count;
}

const struct hl_symbol *hl_table_find(struct hl_symbols *symbols, hl_gva_t address)
{
    uint64_t pc = address - symbols->bias;
    size_t low = 0, high;

    if (!symbols->table_read)
        read_table(symbols);
    high = symbols->table_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (symbols->table[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        const struct hl_symbol *symbol = &symbols->table[low - 1 - n];

        if (pc < symbol->end)
            return symbol;
    }
    return NULL;
}

hl_gva_t hl_table_address(struct hl_symbols *symbols, const char *name, bool global)
{
    struct source source;
    uint64_t local = 0;

    if (!open_source(symbols, &source))
        return 0;
    for (size_t i = 0; i < source.count; i++) {
        GElf_Sym sym;
        const char *found = read_symbol(&source, i, &sym);
        unsigned type;

        if (!found || strcmp(found, name) != 0)
            continue;
        type = GELF_ST_TYPE(sym.st_info);
        if (type == STT_FILE || type == STT_SECTION || type == STT_TLS || sym.st_value == 0)
            continue;
        if (GELF_ST_BIND(sym.st_info) != STB_LOCAL)
            return sym.st_value + (sym.st_shndx == SHN_ABS ? 0 : symbols->bias);
        if (local == 0)
            local = sym.st_value + (sym.st_shndx == SHN_ABS ? 0 : symbols->bias);
    }
    return global ? 0 : local;
}

/* Names of one function stand together: it counts once. */
static size_t match_table(struct hl_symbols *symbols,
                          bool (*matches)(void *opaque, const struct hl_symbol *symbol),
                          void *opaque, hl_gva_t *entries, size_t max)
{
    size_t count = 0;
    uint64_t last = 0;

    for (size_t i = 0; i < symbols->table_count; i++) {
        const struct hl_symbol *symbol = &symbols->table[i];

        if ((count && symbol->start == last) || !matches(opaque, symbol))
            continue;
        last = symbol->start;
        if (count < max)
            entries[count] = symbol->start + symbols->bias;
        count++;
    }
    return count;
}

static bool is_called(void *name, const struct hl_symbol *symbol)
{
    return strcmp(symbol->name, name) == 0;
}

static bool is_wanted(void *wanted, const struct hl_symbol *symbol)
{
    return hl_wanted_matches(wanted, symbol->name);
}

size_t hl_table_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries, size_t max)
{
    struct hl_wanted *wanted;
    size_t count;

    if (!symbols->table_read)
        read_table(symbols);
    count = match_table(symbols, is_called, (void *)(uintptr_t)name, entries, max);
    wanted = count ? NULL : hl_wanted_new(name);
    if (wanted)
        count = match_table(symbols, is_wanted, wanted, entries, max);
    hl_wanted_free(wanted);
    return count;
}

void hl_table_close(struct hl_symbols *symbols)
{
    free(symbols->table);
}
