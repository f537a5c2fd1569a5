/* SPDX-License-Identifier: Apache-2.0 */
/* machine_impl.h - the inside of a machine, for this room only. */
#ifndef HL_MACHINE_IMPL_H
#define HL_MACHINE_IMPL_H

#include "machine_debug.h"
#include "pagetable.h"

struct hl_machine {
    const struct backend *backend;
    struct hl_vcpu *vcpu;
    uint8_t *memory; /* GPA 0; memory_size bytes, a private mapping */
    size_t memory_size;
    hl_gpa_t free; /* next page for hl_machine_alloc() */
    hl_gpa_t limit;
    hl_gpa_t shared; /* mappings of hl/share.h begin here; their tables are before it */
    struct pagetable pt;
    bool dead;       /* after HL_EXIT_SHUTDOWN */
    bool unanswered; /* the last exit is a read that waits for the value */
    struct vcpu_trap trap;
    struct vcpu_debug armed; /* as last passed to the backend */
    struct hl_exit last;
    uint64_t map_changes;                         /* incremented by each map, protect and unmap */
    struct machine_marks *marks;                  /* machine_dirty.h */
    uint8_t ports[HL_MACHINE_PORT_LIMIT / 8 + 1]; /* 0 for ports that the guest may use */

    void (*written)(void *opaque, hl_gva_t gva, size_t size); /* machine_on_write() */
    void *written_opaque;
};

/* STATE while the last exit waits for its answer: registers set now would be lost. */
int machine_can_set(const struct hl_machine *m, struct hl_error *error);
/* The backend's set_regs, unless in that state. */
int machine_put_regs(struct hl_machine *m, const struct hl_regs *regs, struct hl_error *error);

#endif
