/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols_file.h - debug information outside the guest's own file.
 *
 * The guest names these files, so only regular files are opened, they are read once and never
 * mapped, and their contents are used only if the build ID, CRC or DWO ID matches this guest. With
 * HL_DEBUG_DIR=none only the guest's own file is used.
 */
#ifndef HL_SYMBOLS_FILE_H
#define HL_SYMBOLS_FILE_H

#include <gelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "budget.h"

struct hl_debug_file {
    uint8_t *data; /* NULL: not open */
    size_t size;
    Elf *elf;
    struct hl_budget *budget; /* charged for its bytes */
};

/*
 * Read an x86-64 ELF file.  False if it is missing, not such a file, or exceeds the budget; then
 * there is nothing to close.
 */
bool symbols_debug_file_read(struct hl_budget *budget, const char *path,
                             struct hl_debug_file *file);
void symbols_debug_file_close(struct hl_debug_file *file);

/*
 * Find the separate debug information of the program elf, whose file is program (absolute), by its
 * build ID or its .gnu_debuglink.  False if it is not found; then *wanted, of size bytes, is its
 * expected name or "".
 */
bool symbols_debug_file_find(struct hl_budget *budget, Elf *elf, const char *program,
                             struct hl_debug_file *file, char *wanted, size_t size);
/* The file that several debug files share (dwz), named in .gnu_debugaltlink. */
bool symbols_debug_file_find_shared(struct hl_budget *budget, const char *program, const char *name,
                                    const void *id, size_t id_size, struct hl_debug_file *file);

/* The file's .gnu_debugaltlink: 1 and its contents, 0 if it has none, -1 if it is damaged. */
int symbols_debug_file_altlink(Elf *elf, const char **name, const void **id, size_t *id_size);

#endif
