/* SPDX-License-Identifier: Apache-2.0 */
/* symbols/dw_sections.c - the sections of a file that dw.h reads. */
#include <stdio.h>

#include "symbols_impl.h"

void symbols_dwarf_sections(struct dw_file *file, const struct hl_section *section, size_t count,
                            const char *suffix)
{
    static const char *const names[DW_SECTIONS] = {
        [DW_INFO] = ".debug_info",         [DW_ABBREV] = ".debug_abbrev",
        [DW_LINE] = ".debug_line",         [DW_STR] = ".debug_str",
        [DW_LINE_STR] = ".debug_line_str", [DW_STR_OFFSETS] = ".debug_str_offsets",
        [DW_ADDR] = ".debug_addr",         [DW_RANGES] = ".debug_ranges",
        [DW_RNGLISTS] = ".debug_rnglists",
    };

    for (size_t i = 0; i < DW_SECTIONS; i++) {
        const struct hl_section *s;
        char name[SECTION_NAME_MAX];

        snprintf(name, sizeof(name), "%s%s", names[i], suffix);
        s = symbols_sections_find(section, count, name);
        file->section[i] =
            s ? (struct dw_bytes){s->data, s->data + s->size} : (struct dw_bytes){NULL, NULL};
    }
}
