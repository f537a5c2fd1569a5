/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_dirty.h - the pages of a machine's memory that may differ from a snapshot's.
 *
 * There are three writers: the guest, whose pages the backend logs; the library, which records its
 * own writes in `touched`; and the program, whose pages are in `exposed` permanently once it has
 * been given a pointer (hl_machine_memory()).  Extra bits are harmless; missing ones are not.
 */
#ifndef HL_MACHINE_DIRTY_H
#define HL_MACHINE_DIRTY_H

#include "machine.h"

#define MARKS_WORD 64u
/* HL_CLONE_MAPPINGS_MAX: these, the gaps between them, and the range before them. */
#define MACHINE_PIECES_MAX 32u

struct machine_marks {
    size_t words;       /* of each bitmap: one bit per page */
    bool logging;       /* the backend logs writes; else nothing is known */
    bool all_exposed;   /* out of memory for `exposed` */
    uint64_t *touched;  /* NULL before machine_track() */
    uint64_t *exposed;  /* NULL: no exposed pages */
    uint64_t *backed;   /* pages mapped from a file, or NULL, ... */
    unsigned pieces;    /* ... in this many runs: only grows, to MACHINE_PIECES_MAX */
    uint64_t *bits;     /* the result of machine_dirty() */
    uint64_t *clean;    /* for machine_forget_dirty() */
    uint64_t base;      /* id of the snapshot from which only marked pages differ, or 0 */
    uint64_t base_maps; /* map_changes at that snapshot */
    uint64_t rounds;
};

struct machine_marks *machine_marks(const struct hl_machine *m);

/* Begin to track writes, if not done yet; MEMORY.  Earlier writes are unknown. */
int machine_track(struct hl_machine *m, struct hl_error *error);
void machine_marks_free(struct machine_marks *marks);

/* The library is about to write, or has written, to [gpa, gpa + size). */
void machine_touch(const struct hl_machine *m, hl_gpa_t gpa, size_t size);
/* The program may write there from now on. */
void machine_expose(const struct hl_machine *m, hl_gpa_t gpa, size_t size);

/* All marks, in marks.bits; false: nothing is known. */
bool machine_dirty(struct hl_machine *m);
/* Memory equals the base again; the log of the pages in marks.clean may be cleared. */
void machine_forget_dirty(struct hl_machine *m, bool clean);

/* Zero whole pages, freeing them if that is cheaper. */
void machine_zero(struct hl_machine *m, hl_gpa_t gpa, size_t size, size_t by_hand);
/*
 * The same, always freeing them; the caller has marked the pages that are not zeros
 * (machine_touch()).
 */
void machine_clear(struct hl_machine *m, hl_gpa_t gpa, size_t size);

static inline void mark(uint64_t *bits, size_t page)
{
    bits[page / MARKS_WORD] |= 1ull << page % MARKS_WORD;
}

static inline bool is_marked(const uint64_t *bits, size_t page)
{
    return bits[page / MARKS_WORD] >> page % MARKS_WORD & 1;
}

#endif
