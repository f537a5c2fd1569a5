/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout_place.h - the place of each page of a guest in the machine's memory.
 *
 * The image and the four sizes determine it: sandbox/layout.c allocates memory for the segments and
 * then for the regions, in order.  A mapping of anything else is the program's own
 * (hl_machine_map()) or forged.
 */
#ifndef HL_LAYOUT_PLACE_H
#define HL_LAYOUT_PLACE_H

#include "sandbox.h"

struct layout_piece {
    hl_gva_t gva;
    hl_gpa_t gpa;
    uint64_t size;
    unsigned prot;
    bool heap; /* the guest decides which of its pages are mapped */
};

struct layout_places {
    struct layout_piece *piece; /* by gva */
    size_t count;
    hl_gpa_t start, end;
};

/*
 * config: from sandbox_config().  LIMIT: more memory than this host has; MEMORY.  Call
 * layout_places_free() in any case.
 */
int layout_places(struct layout_places *places, const struct hl_image *image,
                  const struct hl_sandbox_config *config, struct hl_error *error);
void layout_places_free(struct layout_places *places);

/* Could a guest with this layout have these pages there, with this access? */
bool layout_has(const struct layout_places *places, hl_gva_t gva, hl_gpa_t gpa, uint64_t pages,
                unsigned prot);

#endif
