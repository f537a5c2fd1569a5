/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_place.h - where each page of a guest has its one place in the machine's memory.
 *
 * The image and the four sizes say it all: sandbox/layout.c takes memory for the segments and then for the
 * regions, in their order.  A mapping of anything else is the program's own (hl_machine_map()), or
 * forged.
 */
#ifndef HL_LAYOUT_PLACE_H
#define HL_LAYOUT_PLACE_H

#include "sandbox.h"

struct layout_piece {
    hl_gva_t gva;
    hl_gpa_t gpa;
    uint64_t size;
    unsigned prot;
    bool heap; /* whose pages are mapped, or not, as the guest wants them */
};

struct layout_places {
    struct layout_piece *piece; /* by gva */
    size_t count;
    hl_gpa_t start, end;
};

/*
 * config: as sandbox_config() leaves it.  LIMIT: more than this host has; MEMORY.
 * layout_places_free() in any case.
 */
int layout_places(struct layout_places *places, const struct hl_image *image,
                  const struct hl_sandbox_config *config, struct hl_error *error);
void layout_places_free(struct layout_places *places);

/* Would a guest of this layout have these pages there, and so? */
bool layout_has(const struct layout_places *places, hl_gva_t gva, hl_gpa_t gpa, uint64_t pages,
                unsigned prot);

#endif
