/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "image.h"
#include "symbols_impl.h"

static int check_elf(Elf *elf, GElf_Ehdr *header, struct hl_error *error)
{
    if (!elf || elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, header))
        return hl_error_set(error, HL_ERR_BAD_IMAGE, "symbols: %s",
                            elf ? "not an ELF file" : elf_errmsg(-1));
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return hl_error_set(error, HL_ERR_BAD_IMAGE, "symbols: not an x86-64 ELF file");
    return 0;
}

int symbols_open_bytes(struct hl_symbols **symbols, const void *data, size_t size, uint64_t bias,
                       struct hl_error *error)
{
    struct hl_symbols *s;
    GElf_Ehdr header;
    int rc;

    *symbols = NULL;
    if (elf_version(EV_CURRENT) == EV_NONE)
        return hl_error_set(error, HL_ERR_SYSTEM, "libelf: %s", elf_errmsg(-1));
    s = calloc(1, sizeof(*s));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "symbols");
    /* elf_memory() takes a pointer to non-const, but opens for reading. */
    s->budget = (struct hl_budget){.steps = BUDGET_STEPS, .bytes = HL_SYMBOLS_BYTES};
    s->elf = elf_memory((char *)(uintptr_t)data, size);
    s->data = data;
    s->size = size;
    s->bias = bias;
    rc = check_elf(s->elf, &header, error);
    if (rc)
        goto out;
    s->entry = header.e_entry + bias;
    symbols_code_load(s, data, size);
    *symbols = s;
    s = NULL;
out:
    hl_symbols_close(s);
    return rc;
}

int hl_symbols_open(struct hl_symbols **symbols, const struct hl_image *image,
                    struct hl_error *error)
{
    size_t size;
    const void *data = hl_image_data(image, &size);
    int rc = symbols_open_bytes(symbols, data, size, hl_image_bias(image), error);

    if (!rc) {
        (*symbols)->path = image->file;
        (*symbols)->image = image_use(image);
    }
    return rc;
}

const char *hl_symbols_missing(const struct hl_symbols *symbols)
{
    if (!symbols)
        return NULL;
    if (symbols->budget.spent)
        return HL_SYMBOLS_SPENT;
    if (symbols->damaged)
        return symbols->damaged;
    return symbols->missing[0] ? symbols->missing : NULL;
}

void hl_symbols_close(struct hl_symbols *symbols)
{
    if (!symbols)
        return;
    unwind_cfi_close(symbols);
    symbols_dwarf_close(symbols);
    symbols_table_close(symbols);
    symbols_names_free(&symbols->names);
    elf_end(symbols->elf);
    image_unuse(symbols->image);
    free(symbols);
}

/*
 * If the symbol table is stripped, debug information may still know the function: the part of it
 * that contains the address, from its entry if that comes first.
 */
static bool find_in_dwarf(struct hl_symbols *symbols, hl_gva_t address, struct dw_die *function,
                          hl_gva_t *start, hl_gva_t *end)
{
    uint64_t pc = address - symbols->bias, entry;
    struct hl_chain chain;
    struct dw_ranges r;

    if (!symbols_dwarf_chain(symbols, address, &chain))
        return false;
    *function = chain.die[0];
    for (dw_ranges(function, &r); dw_ranges_next(&r);) {
        if (pc < r.start || pc >= r.end)
            continue;
        if (symbols_dwarf_entry(function, &entry) && entry >= r.start && entry <= pc)
            r.start = entry;
        *start = r.start + symbols->bias;
        *end = r.end + symbols->bias;
        return true;
    }
    return false;
}

bool symbols_function(struct hl_symbols *symbols, hl_gva_t address, hl_gva_t *start, hl_gva_t *end)
{
    const struct hl_symbol *symbol = symbols_table_find(symbols, address);
    struct dw_die function;

    if (!symbol)
        return find_in_dwarf(symbols, address, &function, start, end);
    *start = symbol->start + symbols->bias;
    *end = symbol->end + symbols->bias;
    return true;
}

static void name_function(struct hl_symbols *symbols, hl_gva_t address,
                          struct hl_location *location)
{
    const struct hl_symbol *symbol = symbols_table_find(symbols, address);
    hl_gva_t start, end;
    struct dw_die function;

    if (symbol && strnlen(symbol->name, DW_TEXT_MAX) < DW_TEXT_MAX) {
        location->function = symbols_names_readable(&symbols->names, symbol->name);
        location->linkage = symbol->name;
        location->offset = address - symbols->bias - symbol->start;
    } else if (!symbol && find_in_dwarf(symbols, address, &function, &start, &end)) {
        location->function = symbols_dwarf_name(symbols, &function, &location->linkage);
        location->offset = address - start;
    }
}

static bool find(struct hl_symbols *symbols, hl_gva_t address, struct hl_location *location)
{
    memset(location, 0, sizeof(*location));
    /* Only code has functions; a hostile table must not claim otherwise. */
    if (!symbols_code_at(symbols, address, &(size_t){0}))
        return false;
    name_function(symbols, address, location);
    symbols_dwarf_line(symbols, address, location);
    return location->function || location->file;
}

bool hl_symbols_find(struct hl_symbols *symbols, hl_gva_t address, struct hl_location *location)
{
    budget_ask(&symbols->budget);
    return find(symbols, address, location);
}

hl_gva_t hl_symbols_address(struct hl_symbols *symbols, const char *name)
{
    hl_gva_t address = symbols_table_address(symbols, name, false);

    return address ? address : symbols_dwarf_address(symbols, name);
}

size_t hl_symbols_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries, size_t max)
{
    size_t count = symbols_table_match(symbols, name, entries, max);
    hl_gva_t address;

    if (count > 1) {
        /* Many functions can have the same name, but the linker knows only one. */
        address = symbols_table_address(symbols, name, true);
    } else {
        address = count ? 0 : hl_symbols_address(symbols, name);
    }
    if (!symbols_code_at(symbols, address, &(size_t){0}))
        return count;
    if (max)
        entries[0] = address;
    return 1;
}

/* Name and offset of an inlined function; the caller sets its line. */
static void name_inlined(struct hl_symbols *symbols, const struct dw_die *die, hl_gva_t address,
                         struct hl_location *location)
{
    uint64_t entry;

    location->function = symbols_dwarf_name(symbols, die, &location->linkage);
    location->offset = 0;
    if (symbols_dwarf_entry(die, &entry) && entry <= address - symbols->bias)
        location->offset = address - symbols->bias - entry;
}

size_t hl_symbols_expand(struct hl_symbols *symbols, hl_gva_t address, struct hl_frame *frames,
                         size_t max)
{
    struct hl_location line, physical;
    struct hl_chain chain;
    size_t count = 0;

    if (max == 0)
        return 0;
    budget_ask(&symbols->budget);
    find(symbols, address, &physical);
    line = physical; /* the line table gives the innermost function's line */
    if (!symbols_dwarf_chain(symbols, address, &chain))
        chain.count = 1;
    for (size_t i = chain.count; --i > 0 && count < max; count++) {
        frames[count] = (struct hl_frame){.inlined = true, .location = line};
        name_inlined(symbols, &chain.die[i], address, &frames[count].location);
        symbols_dwarf_call_site(&chain, &chain.die[i], &line);
    }
    if (count < max) {
        line.function = physical.function;
        line.linkage = physical.linkage;
        line.offset = physical.offset;
        frames[count++] = (struct hl_frame){.location = line};
    }
    return count;
}

/* The path with which hl-cc's archive was compiled, relative to the toolkit's tree. */
#define SDK_SOURCES "guest-sdk/src/"

bool hl_frame_is_runtime(const struct hl_frame *frame)
{
    const char *file = frame->location.file;

    return file && strncmp(file, SDK_SOURCES, sizeof(SDK_SOURCES) - 1) == 0;
}

size_t hl_symbols_site(const struct hl_frame *frames, size_t count, const char *import)
{
    for (size_t i = 0; i < count; i++) {
        const char *function = frames[i].location.function;

        if (!frames[i].location.file || hl_frame_is_runtime(&frames[i]))
            continue;
        if (!import || !function || strcmp(function, import) != 0)
            return i;
    }
    return 0;
}
