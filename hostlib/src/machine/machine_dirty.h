/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_dirty.h - which pages of a machine's memory may differ from a snapshot's.
 *
 * Three writers: the guest, whose pages the backend logs; the library, which notes its own in
 * `touched`; and the program, when it has been given a pointer (hl_machine_memory()), for ever in
 * `exposed`.  Bits are only ever too many.
 */
#ifndef HL_MACHINE_DIRTY_H
#define HL_MACHINE_DIRTY_H

#include "machine.h"

#define MARKS_WORD 64u
/* HL_CLONE_MAPPINGS_MAX: these, what lies between them, and what lies before them all. */
#define MACHINE_PIECES_MAX 32u

struct machine_marks {
    size_t words;       /* of each bitmap: one bit a page */
    bool logging;       /* the backend logs; else nothing is known */
    bool all_exposed;   /* no memory for `exposed` */
    uint64_t *touched;  /* NULL before machine_track() */
    uint64_t *exposed;  /* NULL while there are none */
    uint64_t *backed;   /* pages mapped from a file, NULL: none, ... */
    unsigned pieces;    /* ... in so many runs: it only grows, to MACHINE_PIECES_MAX */
    uint64_t *bits;     /* machine_dirty()'s answer */
    uint64_t *clean;    /* for machine_forget_dirty() */
    uint64_t base;      /* id of the snapshot from which only marked pages differ, or 0 */
    uint64_t base_maps; /* map_changes as it was in that snapshot */
    uint64_t rounds;
};

struct machine_marks *machine_marks(const struct hl_machine *m);

/* Begin to keep books, if that is not done yet; MEMORY.  Nothing is known of the time before. */
int machine_track(struct hl_machine *m, struct hl_error *error);
void machine_marks_free(struct machine_marks *marks);

/* The library writes, or has written, to [gpa, gpa + size). */
void machine_touch(const struct hl_machine *m, hl_gpa_t gpa, size_t size);
/* The program may write there from now on. */
void machine_expose(const struct hl_machine *m, hl_gpa_t gpa, size_t size);

/* All marks, in marks.bits; false: nothing is known. */
bool machine_dirty(struct hl_machine *m);
/* Memory is the base's again; the log of what is in marks.clean may start afresh. */
void machine_forget_dirty(struct hl_machine *m, bool clean);

/* Zero whole pages, giving them back to the system where that is cheaper. */
void machine_zero(struct hl_machine *m, hl_gpa_t gpa, size_t size, size_t by_hand);
/* The same, always giving back; what of it is not zeros the caller has noted (machine_touch()). */
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
