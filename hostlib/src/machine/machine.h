/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - inside of a machine, for hostlib's own files (hl/machine.h is the public part). */
#ifndef HL_MACHINE_INTERNAL_H
#define HL_MACHINE_INTERNAL_H

#include <hl/machine.h>

#include "pagetable.h"
#include "vcpu.h"

/* Bits of rflags that are the guest's own: arithmetic, TF, DF, NT, AC, ID. */
#define RFLAGS_GUEST 0x244dd5ull
#define RFLAGS_FIXED 0x202ull /* bit 1, and IF: kvm_pvm wants it at ring 3, nothing interrupts */

struct hl_machine {
    const struct vcpu_ops *ops;
    struct hl_vcpu *vcpu;
    uint8_t *memory; /* GPA 0; memory_size bytes, a private mapping */
    size_t memory_size;
    hl_gpa_t free; /* next page for hl_machine_alloc() */
    hl_gpa_t limit;
    hl_gpa_t shared; /* from here on is what hl/share.h maps; before it, tables for that */
    struct pagetable pt;
    hl_gpa_t shim; /* GPA of the shim's pages */
    /*
     * Where the vCPU stands: at ring 3, or in a stub behind its `out`, with the guest's state in
     * the frame on the ring-0 stack.  A stub's frame is the guest's rip, rflags and rsp.
     */
    bool in_shim;
    bool entered;           /* the guest may have translations cached */
    bool dead;              /* after HL_EXIT_SHUTDOWN */
    bool unsettled;         /* the last exit's `in`, `out` or MMIO access is not completed yet */
    bool unanswered;        /* ... and waits for the value read */
    bool kick_waiting;      /* an interrupt that came too early to be reported, ... */
    unsigned ticks_waiting; /* ... with so many ticks */
    bool trap_exit;         /* the last exit was a debug trap that KVM took before the shim could */
    uint64_t dr6;           /* of that trap: what it was for */
    struct vcpu_debug armed; /* what the backend was told last */
    struct hl_exit last;
    uint64_t map_changes;                          /* grows with each map, protect and unmap */
    struct machine_marks *marks;                   /* machine_dirty.h */
    uint8_t io_map[HL_MACHINE_PORT_LIMIT / 8 + 1]; /* the TSS's: 0 for ports ring 3 may use */

    void (*written)(void *opaque, hl_gva_t gva, size_t size); /* machine_on_write() */
    void *written_opaque;
};

/* Neighbouring pages of a machine's memory; their contents are pages [at, at + count) elsewhere. */
struct page_run {
    uint64_t page, count, at;
};

/* What a machine's memory holds from the start: what is in no run is zeros. */
struct machine_contents {
    const uint8_t *data;
    int fd;          /* the same, to be mapped, from offset on; or -1 */
    uint64_t offset; /* a multiple of the page size */
    const struct page_run *runs;
    size_t run_count; /* ascending */
    bool spaced;      /* data is zeros between runs, too: a mapping may span several of them */
    bool log;         /* the backend logs what the guest writes to, from the start */
    bool few;         /* the runs have a bound of their own: MACHINE_FILL_MAX does not apply */
};

/*
 * Runs as far from each other there as here are mapped as one, with the zeros between them: of so
 * many pages or more, and so many of them.  The rest is copied.
 */
#define MACHINE_MAP_MIN 16u
#define MACHINE_FILL_MAX 24u

/* The largest of numbers, MACHINE_FILL_MAX of them at most: which are they? */
struct machine_largest {
    uint64_t list[MACHINE_FILL_MAX]; /* descending; 0: none */
    uint64_t least;
    unsigned ties; /* how many as large as the least one belong to them */
};
void machine_largest_see(struct machine_largest *l, uint64_t number);
void machine_largest_done(struct machine_largest *l, unsigned count);
/* Asked once of each, in any order. */
bool machine_largest_is(struct machine_largest *l, uint64_t number);

/*
 * hl_machine_create() on a backend of the caller's choice.  contents may be NULL.
 */
int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct vcpu_ops *ops, const struct machine_contents *contents,
                   struct hl_error *error);
/* Can it be had at all?  ARGUMENT, LIMIT: more than this host has. */
int machine_check(const struct hl_machine_config *config, struct hl_error *error);
/* Where hl_machine_alloc() will begin. */
hl_gpa_t machine_first(const struct hl_machine_config *config);
/* machine/contents.c: BAD_SNAPSHOT where a run is not in the memory that alloc gives out. */
int machine_fill(struct hl_machine *m, const struct machine_contents *contents,
                 struct hl_error *error);

/* hl_machine_memory() for whoever answers for its writes with machine_touch(). */
static inline void *machine_memory(const struct hl_machine *m, hl_gpa_t gpa, size_t size)
{
    return gpa > m->memory_size || size > m->memory_size - gpa ? NULL : m->memory + gpa;
}

/*
 * hl_machine_write() for the library's own rooms, whose writes follow from what the guest does: no
 * notice of it.
 */
size_t machine_write(struct hl_machine *m, hl_gva_t gva, const void *buf, size_t size,
                     unsigned need);
/* Call back after each hl_machine_write(), with what was written; NULL: no more. */
void machine_on_write(struct hl_machine *m,
                      void (*written)(void *opaque, hl_gva_t gva, size_t size), void *opaque);

/*
 * Make the processor forget what it knows of pages that are in the machine's memory: the guest's
 * own invlpg is out of reach, but changing the protection of the host's page and changing it back
 * makes KVM drop its mapping, and with it every cached translation, on shadow paging and nested
 * paging alike.
 */
void machine_forget(struct hl_machine *m, hl_gpa_t gpa, size_t size);

/* Code and tables of ring 0, as they have to be. */
void machine_write_shim(struct hl_machine *m);

struct shim_frame;
/* The guest's state while in_shim. */
struct shim_frame *machine_frame(struct hl_machine *m);

#endif
