/* SPDX-License-Identifier: Apache-2.0 */
#include "layout_place.h"

#include <stdlib.h>

#include "image.h"
#include "machine.h"
#include "sorted.h"

static int by_gva(const void *a, const void *b)
{
    const struct layout_piece *x = a, *y = b;
    return x->gva < y->gva ? -1 : x->gva > y->gva;
}

static void add(struct layout_places *l, hl_gva_t gva, uint64_t size, unsigned prot, bool heap)
{
    l->piece[l->count++] = (struct layout_piece){gva, l->end, size, prot, heap};
    l->end += size;
}

int layout_places(struct layout_places *l, const struct hl_image *image,
                  const struct hl_sandbox_config *config, struct hl_error *error)
{
    struct hl_region region[REGION_COUNT];
    struct hl_machine_config machine = {0};
    *l = (struct layout_places){0};
    layout_plan(image, config, region);
    machine.memory = layout_memory(image, region);
    int rc = machine_check(&machine, error);
    if (rc)
        return rc;
    l->piece = calloc(image->segment_count + REGION_COUNT, sizeof(*l->piece));
    if (!l->piece)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    l->start = l->end = machine_first(&machine);
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct hl_segment *s = &image->segments[i].pub;
        add(l, s->start, s->size, s->prot, false);
    }
    for (unsigned i = REGION_BOOT; i < REGION_COUNT; i++)
        add(l, region[i].start, region[i].size, region[i].prot, i == REGION_HEAP);
    qsort(l->piece, l->count, sizeof(*l->piece), by_gva);
    return 0;
}

void layout_places_free(struct layout_places *l)
{
    free(l->piece);
    l->piece = NULL;
}

static const struct layout_piece *piece_of(const struct layout_places *l, hl_gva_t gva)
{
    size_t low = SORTED_UP_TO(l->piece, l->count, gva, gva);
    const struct layout_piece *p = low ? &l->piece[low - 1] : NULL;
    return p && gva - p->gva < p->size ? p : NULL;
}

/* Pages that a debugger allocated in the heap may be code, but not writable code. */
static bool may_be(const struct layout_piece *p, unsigned prot)
{
    const unsigned both = HL_PROT_WRITE | HL_PROT_EXEC;
    return p->heap ? !(prot & ~(HL_PROT_READ | both)) && (prot & both) != both : prot == p->prot;
}

bool layout_has(const struct layout_places *l, hl_gva_t gva, hl_gpa_t gpa, uint64_t pages,
                unsigned prot)
{
    if (gva % PAGE_SIZE)
        return false;
    /* Segments may be adjacent. */
    while (pages) {
        const struct layout_piece *p = piece_of(l, gva);
        if (!p || !may_be(p, prot) || gpa != p->gpa + (gva - p->gva))
            return false;
        uint64_t there = (p->gva + p->size - gva) / PAGE_SIZE, n = pages < there ? pages : there;
        gva += n * PAGE_SIZE;
        gpa += n * PAGE_SIZE;
        pages -= n;
    }
    return true;
}
