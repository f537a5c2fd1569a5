/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_impl.h - declarations shared by the files of this room.
 *
 * The file is hostile: whatever it makes us do is charged to one budget (budget.h).  libelf finds
 * the headers, dw.h reads debug information; libdw reads call frames, once they have been checked.
 * symbols_file.h says which other files are read.  Addresses are those of the running guest unless
 * a comment says "file address" (without the bias).
 */
#ifndef HL_SYMBOLS_IMPL_H
#define HL_SYMBOLS_IMPL_H

#include <elfutils/libdw.h>
#include <gelf.h>
#include <hl/symbols.h>

#include "budget.h"
#include "dw.h"
#include "symbols_file.h"
#include "symbols_names.h"
#include "symbols_section.h"
#include "symbols_walk.h"

/* The part of an executable segment that the file holds. */
struct hl_code {
    uint64_t start, end; /* file addresses */
    const uint8_t *bytes;
};

struct hl_symbol {
    uint64_t start, end; /* file addresses */
    const char *name;
    unsigned rank; /* among symbols with the same start the lowest is preferred */
};

/* One contiguous range of a compilation unit. */
struct hl_unit {
    uint64_t start, end; /* file addresses */
    struct dw_unit *unit;
};

/* The .dwo file that a skeleton's DIEs are in; see symbols/split.c. */
struct hl_split {
    struct hl_split *next;
    struct hl_debug_file file; /* unless it is in a package */
    struct hl_section *section;
    size_t section_count;
    struct dw_file dwarf;
    struct dw_unit *unit; /* NULL: not found */
};

/* Call frame information for a part of the code. */
struct hl_fde {
    uint64_t start, end; /* file addresses */
    uint64_t cost;       /* bytes of the programs to run for it */
};

struct hl_fdes {
    struct hl_fde *item; /* by address */
    size_t count, room;
};

#define HL_CODE_MAX 16
#define HL_SECTIONS 40 /* of debug information in one file */

struct hl_symbols {
    const struct hl_image *image; /* the image that the bytes belong to, or NULL */
    Elf *elf;
    const void *data;
    size_t size;
    uint64_t bias;
    uint64_t entry;
    struct hl_code code[HL_CODE_MAX];
    size_t code_count;
    struct hl_names names;
    struct hl_budget budget;

    /* Filled when first needed. */
    bool table_read;
    struct hl_symbol *table;
    size_t table_count;

    bool files_read;
    const char *path;              /* of the program, NULL: not from a file */
    struct hl_debug_file separate; /* debug information outside the program */
    char missing[256];             /* a file that was not found */

    bool dwarf_read;
    struct dw_file *dwarf;         /* own, or NULL: no debug information */
    struct dw_file own, alternate; /* alternate: what several files share (dwz) */
    struct hl_debug_file shared;
    struct hl_section section[HL_SECTIONS], shared_section[HL_SECTIONS];
    size_t section_count, shared_count;
    const char *damaged;

    struct hl_split *split;       /* all of them */
    struct hl_debug_file package; /* .dwp */
    bool package_read;
    struct hl_section packed[HL_SECTIONS];
    size_t packed_count;
    struct hl_unit *unit; /* by address */
    size_t unit_count, unit_room;

    bool cfi_read;
    struct hl_section frames; /* .debug_frame */
    void *cfi_file;           /* see symbols/unwind_section.c */
    Elf *cfi_elf;
    Dwarf *cfi_dwarf;
    Dwarf_CFI *eh_frame;
    Dwarf_CFI *debug_frame;
    struct hl_fdes eh_fdes, debug_fdes;
    struct hl_budget walking; /* of the current walk */
};

/* hl_symbols_open() without an image; the bytes must outlive the object and are never written. */
int symbols_open_bytes(struct hl_symbols **symbols, const void *data, size_t size, uint64_t bias,
                       struct hl_error *error);

/* Function around address; true with its bounds, from the symbol table or DWARF. */
bool symbols_function(struct hl_symbols *symbols, hl_gva_t address, hl_gva_t *start, hl_gva_t *end);

/* symbols/separate.c: the separate file, searched for once; its elf is NULL if it was not found. */
struct hl_debug_file *symbols_separate(struct hl_symbols *symbols);
/* The file with the debug information: the program itself, or the separate one. */
Elf *symbols_dwarf_elf(struct hl_symbols *symbols);

/* symbols/code.c: instructions come from the file, where no breakpoint hides them. */
void symbols_code_load(struct hl_symbols *symbols, const uint8_t *data, size_t size);
const uint8_t *symbols_code_at(const struct hl_symbols *symbols, hl_gva_t address,
                               size_t *available);

enum hl_call { HL_CALL_NONE, HL_CALL_DIRECT, HL_CALL_INDIRECT };
/* The instruction that ends at address, if it can be a call. */
enum hl_call symbols_code_call_before(const struct hl_symbols *symbols, hl_gva_t address,
                                      hl_gva_t *target);

/* symbols/table.c: the ELF symbol table. */
void symbols_table_read(struct hl_symbols *symbols);
const struct hl_symbol *symbols_table_find(struct hl_symbols *symbols, hl_gva_t address);
/* global: skip local symbols. */
hl_gva_t symbols_table_address(struct hl_symbols *symbols, const char *name, bool global);
size_t symbols_table_match(struct hl_symbols *symbols, const char *name, hl_gva_t *entries,
                           size_t max);
void symbols_table_close(struct hl_symbols *symbols);

/* symbols/dwarf.c: .debug_info and .debug_line. */
#define HL_CHAIN_MAX 32
struct hl_chain {
    struct dw_die die[HL_CHAIN_MAX]; /* the function, then those inlined around the address */
    size_t count;
    struct dw_unit *unit; /* with the line table: of the file itself */
};
struct dw_unit *symbols_dwarf_unit(struct hl_symbols *symbols, hl_gva_t address);
bool symbols_dwarf_chain(struct hl_symbols *symbols, hl_gva_t address, struct hl_chain *chain);
bool symbols_dwarf_line(struct hl_symbols *symbols, hl_gva_t address, struct hl_location *location);
void symbols_dwarf_call_site(const struct hl_chain *chain, const struct dw_die *inlined,
                             struct hl_location *location);
hl_gva_t symbols_dwarf_address(struct hl_symbols *symbols, const char *name);
void symbols_dwarf_close(struct hl_symbols *symbols);

/*
 * symbols/scope.c: a function's name with its scope, and as the symbol table would have it; either
 * may be NULL.
 */
const char *symbols_dwarf_name(struct hl_symbols *symbols, const struct dw_die *function,
                               const char **linkage);
/* Its first instruction. */
bool symbols_dwarf_entry(const struct dw_die *function, uint64_t *entry);

/*
 * symbols/dw_sections.c: a file's sections for dw.h: their names, or those of a .dwo under their
 * plain names.
 */
void symbols_dwarf_sections(struct dw_file *file, const struct hl_section *section, size_t count,
                            const char *suffix);

/*
 * symbols/split.c: the unit that a skeleton stands for; the unit itself if it is not a skeleton, or
 * the file is missing.
 */
struct dw_unit *symbols_split_open(struct hl_symbols *symbols, struct dw_unit *skeleton);
void symbols_split_close(struct hl_symbols *symbols);

/*
 * symbols/package.c: the sections of one unit in a .dwp file; false if it does not have the unit.
 */
bool symbols_package_slice(struct hl_budget *budget, const struct hl_section *package, size_t count,
                           uint64_t id, struct hl_section *out, size_t *out_count);

/* symbols/unwind_section.c: fill in what eh_frame and debug_frame have. */
void unwind_cfi_open(struct hl_symbols *symbols);
const struct hl_fde *unwind_fde(const struct hl_fdes *fdes, uint64_t pc);
void unwind_cfi_close(struct hl_symbols *symbols);

#endif
