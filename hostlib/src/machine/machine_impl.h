/* SPDX-License-Identifier: Apache-2.0 */
/* machine_impl.h - inside of a machine, for this room alone. */
#ifndef HL_MACHINE_IMPL_H
#define HL_MACHINE_IMPL_H

#include "machine_debug.h"
#include "pagetable.h"

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
    struct machine_trap trap;
    struct vcpu_debug armed; /* what the backend was told last */
    struct hl_exit last;
    uint64_t map_changes;                          /* grows with each map, protect and unmap */
    struct machine_marks *marks;                   /* machine_dirty.h */
    uint8_t io_map[HL_MACHINE_PORT_LIMIT / 8 + 1]; /* the TSS's: 0 for ports ring 3 may use */
};

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
