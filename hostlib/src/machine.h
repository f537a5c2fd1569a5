/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - inside of a machine, for hostlib's own files (hl/machine.h is the public part). */
#ifndef HL_MACHINE_INTERNAL_H
#define HL_MACHINE_INTERNAL_H

#include <hl/machine.h>

#include "pagetable.h"
#include "vcpu.h"

struct hl_machine {
    const struct vcpu_ops *ops;
    struct hl_vcpu *vcpu;
    uint8_t *memory; /* GPA 0; memory_size bytes, a private mapping */
    size_t memory_size;
    hl_gpa_t free; /* next page for hl_machine_alloc() */
    hl_gpa_t limit;
    struct pagetable pt;
    hl_gpa_t shim; /* GPA of the shim's pages */
    /*
     * Where the vCPU stands: at ring 3, or in a stub behind its `out`, with the guest's state in
     * the frame on the ring-0 stack.  A stub's frame is the guest's rip, rflags and rsp.
     */
    bool in_shim;
    bool entered;      /* the guest may have translations cached */
    bool dead;         /* after HL_EXIT_SHUTDOWN */
    bool unsettled;    /* the last exit's `in`, `out` or MMIO access is not completed yet */
    bool unanswered;   /* ... and waits for the value read */
    bool kick_waiting; /* an interrupt that came too early to be reported */
    bool trap_exit;    /* the last exit was a debug trap that KVM took before the shim could */
    uint64_t dr6;      /* of that trap: what it was for */
    struct vcpu_debug armed; /* what the backend was told last */
    struct hl_exit last;
};

/* hl_machine_create() on a backend of the caller's choice. */
int machine_create(struct hl_machine **machine, const struct hl_machine_config *config,
                   const struct vcpu_ops *ops, struct hl_error *error);

struct shim_frame;
/* The guest's state while in_shim. */
struct shim_frame *machine_frame(struct hl_machine *m);

#endif
