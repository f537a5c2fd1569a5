/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF symbol table, sorted by address when first needed.
 *
 * A function of known size covers exactly its own bytes.  Labels and functions without a size
 * (assembly) reach to the next symbol or the end of their section, and are used only where no sized
 * function is.
 */
#include <stdlib.h>
#include <string.h>

#include "demangle.h"
#include "sorted.h"
#include "symbols_impl.h"

#define SYMBOLS_MAX ((size_t)1 << 20) /* read at most this many: the table may be hostile */
#define LOOK_BACK 64                  /* symbols that may overlap one address */
#define SORT_STEPS 16                 /* of the budget, for one symbol */
#define ALIKE_MAX 64                  /* bytes of a common prefix of aliases */

struct source {
    Elf *elf;
    const uint8_t *data;
    size_t count;
    const char *names; /* the last of them ends */
    size_t names_size;
    GElf_Shdr section; /* of the previous symbol, usually of this one, too */
    size_t index;      /* its number, 0: not set */
};

/* Linkers do not compress it, so it is not inflated. */
static bool read_names(struct source *source, size_t index)
{
    struct hl_section_walk walk;
    struct hl_section s;
    const char *last;

    symbols_section_start(&walk, source->elf);
    walk.scn = elf_getscn(source->elf, index);
    if (!walk.scn || !gelf_getshdr(walk.scn, &walk.header) ||
        (walk.header.sh_flags & SHF_COMPRESSED) || !symbols_section_data(&walk, &s))
        return false;
    last = memrchr(s.data, '\0', s.size);
    source->names = (const char *)s.data;
    source->names_size = last ? (size_t)(last - source->names) + 1 : 0;
    return last != NULL;
}

/* The first SHT_SYMTAB of the file. */
static bool open_elf(Elf *elf, struct source *source)
{
    struct hl_section_walk walk;
    struct hl_section s;

    for (symbols_section_start(&walk, elf); symbols_section_next(&walk);) {
        if (walk.header.sh_type != SHT_SYMTAB)
            continue;
        if ((walk.header.sh_flags & SHF_COMPRESSED) || !symbols_section_data(&walk, &s))
            return false;
        *source = (struct source){.elf = elf};
        source->data = s.data;
        source->count = s.size / sizeof(Elf64_Sym);
        if (source->count > SYMBOLS_MAX)
            source->count = SYMBOLS_MAX;
        return read_names(source, walk.header.sh_link);
    }
    return false;
}

/* The program's own table, or the one that was stripped from it. */
static bool open_source(struct hl_symbols *symbols, struct source *source)
{
    struct hl_debug_file *separate;

    if (open_elf(symbols->elf, source))
        return true;
    separate = symbols_separate(symbols);
    return separate->elf && open_elf(separate->elf, source);
}

/* The name of a defined symbol, else NULL. */
static const char *read_symbol(const struct source *source, size_t index, Elf64_Sym *sym)
{
    memcpy(sym, source->data + index * sizeof(*sym), sizeof(*sym));
    if (sym->st_shndx == SHN_UNDEF || sym->st_name >= source->names_size ||
        source->names[sym->st_name] == '\0')
        return NULL;
    return source->names + sym->st_name;
}

/* End of the executable section that contains the symbol, 0 if it is in no such section. */
static uint64_t section_end(struct source *source, const Elf64_Sym *sym)
{
    GElf_Shdr *header = &source->section;
    Elf_Scn *scn;
    uint64_t end;

    if (sym->st_shndx >= SHN_LORESERVE)
        return 0;
    if (source->index != sym->st_shndx) {
        source->index = 0;
        scn = elf_getscn(source->elf, sym->st_shndx);
        if (!scn || !gelf_getshdr(scn, header))
            return 0;
        source->index = sym->st_shndx;
    }
    if (!(header->sh_flags & SHF_EXECINSTR) ||
        __builtin_add_overflow(header->sh_addr, header->sh_size, &end) ||
        sym->st_value < header->sh_addr || sym->st_value >= end)
        return 0;
    return end;
}

/* Sized functions first, then the name a programmer would prefer: global, fewer underscores. */
static unsigned rank_of(const Elf64_Sym *sym, const char *name, bool label)
{
    unsigned rank = label ? 64 : 0;
    unsigned bind = ELF64_ST_BIND(sym->st_info);
    unsigned underscores = 0;

    while (underscores < 7 && name[underscores] == '_')
        underscores++;
    rank += bind == STB_LOCAL ? 32 : 0;
    rank += underscores * 2;
    return rank + (bind == STB_WEAK ? 1 : 0);
}

/* True if the symbol names code; `end` of a label is the end of its section for now. */
static bool take(struct source *source, size_t index, struct hl_symbol *symbol)
{
    Elf64_Sym sym;
    const char *name = read_symbol(source, index, &sym);
    unsigned type;
    bool label;
    uint64_t end;

    if (!name)
        return false;
    type = ELF64_ST_TYPE(sym.st_info);
    if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
        return false;
    end = section_end(source, &sym);
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

/* A name can be as long as the file, and any number of symbols may have it. */
static int compare(const void *a, const void *b)
{
    const struct hl_symbol *x = a, *y = b;
    int names;

    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    names = strncmp(x->name, y->name, ALIKE_MAX);
    return names ? names : x->name < y->name ? -1 : x->name > y->name;
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

/* The first use of the budget, so names are there even if none is left for debug information. */
void symbols_table_read(struct hl_symbols *symbols)
{
    struct hl_budget *budget = &symbols->budget;
    struct source source;
    struct hl_symbol *table, *fitted;
    size_t count = 0, max, bytes;

    if (symbols->table_read)
        return;
    symbols->table_read = true;
    if (!open_source(symbols, &source))
        return;
    for (size_t i = 0; i < source.count; i++)
        count += take(&source, i, &(struct hl_symbol){0});
    /* qsort() uses a copy. */
    max = budget->bytes / (2 * sizeof(*table));
    count = count < max ? count : max;
    bytes = count * sizeof(*table);
    table = count ? malloc(bytes) : NULL;
    if (!table)
        return;
    max = count;
    count = 0;
    for (size_t i = 0; i < source.count && count < max; i++)
        count += take(&source, i, &table[count]);
    budget_hold(budget, bytes);
    budget_take(budget, SORT_STEPS * count);
    qsort(table, count, sizeof(*table), compare);
    count = tidy(table, count);
    fitted = realloc(table, (count ? count : 1) * sizeof(*table));
    symbols->table = fitted ? fitted : table;
    symbols->table_count = count;
}

const struct hl_symbol *symbols_table_find(struct hl_symbols *symbols, hl_gva_t address)
{
    uint64_t pc = address - symbols->bias;
    size_t low;

    symbols_table_read(symbols);
    low = SORTED_UP_TO(symbols->table, symbols->table_count, start, pc);
    for (size_t n = 0; n < LOOK_BACK && n < low; n++) {
        const struct hl_symbol *symbol = &symbols->table[low - 1 - n];

        if (pc < symbol->end)
            return symbol;
    }
    return NULL;
}

hl_gva_t symbols_table_address(struct hl_symbols *symbols, const char *name, bool global)
{
    struct source source;
    uint64_t local = 0;

    if (!open_source(symbols, &source))
        return 0;
    for (size_t i = 0; i < source.count; i++) {
        Elf64_Sym sym;
        const char *found = read_symbol(&source, i, &sym);
        unsigned type;

        if (!found || strcmp(found, name) != 0)
            continue;
        type = ELF64_ST_TYPE(sym.st_info);
        if (type == STT_FILE || type == STT_SECTION || type == STT_TLS || sym.st_value == 0)
            continue;
        if (ELF64_ST_BIND(sym.st_info) != STB_LOCAL)
            return sym.st_value + (sym.st_shndx == SHN_ABS ? 0 : symbols->bias);
        if (local == 0)
            local = sym.st_value + (sym.st_shndx == SHN_ABS ? 0 : symbols->bias);
    }
    return global ? 0 : local;
}

/* Names of one function are adjacent: it counts once. */
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
    return symbols_wanted_matches(wanted, symbol->name);
}

struct match {
    struct hl_symbols *symbols;
    struct hl_wanted *wanted;
    hl_gva_t *entries;
    size_t max, count;
};

static void match_wanted(void *opaque)
{
    struct match *m = opaque;

    m->count = match_table(m->symbols, is_wanted, m->wanted, m->entries, m->max);
}

size_t symbols_table_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries,
                           size_t max)
{
    struct hl_wanted *wanted;
    size_t count;

    symbols_table_read(symbols);
    count = match_table(symbols, is_called, (void *)(uintptr_t)name, entries, max);
    wanted = count ? NULL : symbols_wanted_new(name);
    if (wanted) {
        struct match m = {symbols, wanted, entries, max, 0};

        demangle_within(&symbols->names.time, match_wanted, &m);
        count = m.count;
    }
    symbols_wanted_free(wanted);
    return count;
}

void symbols_table_close(struct hl_symbols *symbols)
{
    free(symbols->table);
}
