/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_file.h - debug information that is not in the guest's own file.
 *
 * The guest names these files, so: only regular files are opened, they are read once and never
 * mapped, and what is in them counts only where it proves to belong to this very guest, by build
 * ID, CRC or DWO ID.  HL_DEBUG_DIR=none keeps to the guest's own file.
 */
#ifndef HL_SYMBOLS_FILE_H
#define HL_SYMBOLS_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

struct hl_debug_file {
    uint8_t *data; /* NULL: none */
    size_t size;
    Elf *elf;
    struct hl_budget *budget; /* that holds its bytes */
};

/*
 * Read an x86-64 ELF file; false where there is none, or the budget has no room for it, with
 * nothing to be closed.
 */
bool hl_debug_file_read(struct hl_budget *budget, const char *path, struct hl_debug_file *file);
void hl_debug_file_close(struct hl_debug_file *file);

/*
 * The separate debug information of the program elf, whose file is program (absolute): by its build
 * ID or its .gnu_debuglink.  False where there is none; then *wanted, of size bytes, names what it
 * should be, or is "".
 */
bool hl_debug_file_find(struct hl_budget *budget, Elf *elf, const char *program,
                        struct hl_debug_file *file, char *wanted, size_t size);
/* What several debug files share (dwz), named in .gnu_debugaltlink. */
bool hl_debug_file_find_shared(struct hl_budget *budget, const char *program, const char *name,
                               const void *id, size_t id_size, struct hl_debug_file *file);

/* The file's .gnu_debugaltlink: 1 with what it says, 0 where it has none, -1 where it is damaged. */
int hl_debug_file_altlink(Elf *elf, const char **name, const void **id, size_t *id_size);

/* Is it allowed to look into other files at all? */
bool hl_debug_files_allowed(void);

#endif
