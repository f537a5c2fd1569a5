/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - the seam below the machine: something that runs a guest's ring-3 code until an exit.
 *
 * KVM is one backend (hostlib/src/kvm), the tests' scripted one is another (tests/kit/scripted.c).
 * A machine keeps the backend that it was created on; a snapshot and its clones use the same one.
 * This header does not mention a hypervisor or ring 0: a backend that needs one keeps it to itself,
 * and the registers that it shows are the guest's.
 *
 * The machine calls these functions for one vCPU from one thread at a time, and not while the vCPU
 * runs.  kick and, after its first call, stats may be called from any thread at any time between
 * create and destroy; cpu and features need no vCPU.  Functions that can fail fill the error and
 * return its code.
 *
 * A backend is given (struct backend_setup): memory; page tables that only the machine writes, and
 * that describe the guest's address space completely; the ports that the guest may use.  The first
 * BACKEND_SIZE bytes of the memory, and addresses in the upper half, are for the backend's own use.
 * All guests are alike to a backend: it knows nothing of sandboxes, images or system calls.
 */
#ifndef HL_BACKEND_H
#define HL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

#include "pagetable.h"

struct hl_vcpu; /* defined by each backend */

/* Reserved on every backend, so that memory and snapshot files have the same layout on all. */
#define BACKEND_SIZE 0x2000u

/* Memory, tables and ports stay at their addresses until destroy. */
struct backend_setup {
    uint8_t *memory; /* becomes GPA 0 and up */
    size_t memory_size;
    struct pagetable *tables;
    const uint8_t *ports; /* one bit per port up to HL_MACHINE_PORT_LIMIT, then ones: 0 if usable */
    bool log; /* log the guest's writes from the beginning, which is cheaper than later */
};

/* What it maps in the upper half, out of the guest's reach; size 0: nothing. */
struct backend_own {
    hl_gva_t gva;
    size_t size;
    const char *what;
};

/*
 * What a guest can see of the processor, as far as it matters for moving the guest to another one.
 */
struct vcpu_cpu {
    uint64_t xcr0;
    uint32_t feature[8]; /* words of CPUID feature bits */
};

#define VCPU_STATS 128 /* that a backend may have */

/* A counter of the backend. */
struct vcpu_stat {
    char name[48];
    bool vm; /* of the machine, else of its processor */
    uint64_t value;
};

/* Selectors and control registers to show to a debugger: the guest's, at ring 3. */
struct vcpu_system {
    uint16_t cs, ss, ds, es, fs, gs;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

/*
 * The whole vCPU state of a guest at ring 3: a new vCPU with the same set-up can continue from it.
 * State that a guest cannot change is the same in every machine, and not included.
 */
struct vcpu_state {
    struct hl_regs regs;
    uint64_t cr2;
    uint16_t ds, es, fs, gs;
    uint32_t own; /* private to the backend; 0 in a state from a file */
    uint32_t xsave_size;
    uint8_t xsave[]; /* as from get_xsave */
};

#define VCPU_SLOTS 4

enum vcpu_slot_kind { VCPU_SLOT_OFF, VCPU_SLOT_EXEC, VCPU_SLOT_WRITE, VCPU_SLOT_ACCESS };

/*
 * What the backend must trap itself, from the next run on until it is armed again.  A backend may
 * be unable to: the debugger tries each of them once, and then uses other means (debug/probe.c).
 */
struct vcpu_debug {
    bool step;     /* one instruction, then a fault of vector 1 with BS */
    bool sw_break; /* int3: a fault of vector 3 */
    struct {
        enum vcpu_slot_kind kind;
        uint8_t size; /* 1, 2, 4 or 8; address is aligned to it */
        hl_gva_t address;
    } slot[VCPU_SLOTS]; /* a fault of vector 1 with B0 to B3 */
};

/* How the debug trap of an exit was reported. */
struct vcpu_trap {
    bool by_exit; /* it was armed; else an exception of the guest's: TF, int3, int1 */
    uint64_t dr6; /* if by_exit: B0 to B3 and BS (Intel SDM 3, 17.2.3) */
};

struct backend {
    const char *name; /* "kvm" */
    struct backend_own own;
    int (*cpu)(struct vcpu_cpu *cpu, struct hl_error *error);
    unsigned (*features)(void); /* HL_FEATURE_* */

    /* The backend may map its own pages in the upper half (PAGE_SUPERVISOR) before it returns. */
    int (*create)(struct hl_vcpu **vcpu, const struct backend_setup *setup, struct hl_error *error);
    void (*destroy)(struct hl_vcpu *vcpu);

    /*
     * Run the guest until an exit, as hl/machine.h describes them.  The guest stops only where its
     * registers can be shown: an interrupt that arrives on the way to an exit is reported by the
     * next run, at once.  *trap is zeroed before the call.  After HL_EXIT_SHUTDOWN only a thorough
     * restore and destroy are called; the machine ensures this.
     */
    int (*run)(struct hl_vcpu *vcpu, struct hl_exit *exit, struct vcpu_trap *trap,
               struct hl_error *error);
    /* Answers to the last exit; STATE if it does not wait for one of that kind. */
    int (*syscall_result)(struct hl_vcpu *vcpu, uint64_t rax);
    int (*answer)(struct hl_vcpu *vcpu, const void *data, size_t size); /* an in or MMIO read */

    /*
     * All registers except the bases.  After an access (HL_EXIT_IO, HL_EXIT_MMIO) they are those
     * after the instruction; but while a read waits for its answer, get shows them before it, and
     * set and save are not called; the machine ensures this.  rflags: as from get, or bits of
     * RFLAGS_GUEST and RFLAGS_FIXED.
     */
    int (*get_regs)(struct hl_vcpu *vcpu, struct hl_regs *regs, struct hl_error *error);
    int (*set_regs)(struct hl_vcpu *vcpu, const struct hl_regs *regs, struct hl_error *error);
    int (*get_bases)(struct hl_vcpu *vcpu, uint64_t *fs, uint64_t *gs, struct hl_error *error);
    int (*set_bases)(struct hl_vcpu *vcpu, uint64_t fs, uint64_t gs, struct hl_error *error);
    int (*get_system)(struct hl_vcpu *vcpu, struct vcpu_system *system, struct hl_error *error);
    uint64_t (*xcr0)(const struct hl_vcpu *vcpu); /* state components of the guest */
    /* The XSAVE area in the standard format (Intel SDM 1, 13.4). */
    size_t (*xsave_size)(const struct hl_vcpu *vcpu);
    size_t (*xsave_used)(const struct hl_vcpu *vcpu); /* bytes used by xcr0's components */
    int (*get_xsave)(struct hl_vcpu *vcpu, void *area, struct hl_error *error);
    int (*set_xsave)(struct hl_vcpu *vcpu, const void *area, struct hl_error *error);

    /*
     * After an access, an interrupt or before the first run (else STATE).  The caller frees *state
     * with free().
     */
    int (*save)(struct hl_vcpu *vcpu, struct vcpu_state **state, struct hl_error *error);
    /*
     * Continue from this state, whatever the last exit was; it no longer waits for an answer.
     * thorough: also restore what the state does not include, at a cost: the guest ended badly, or
     * the state is from another machine.  The caller restores memory and page tables.
     */
    int (*restore)(struct hl_vcpu *vcpu, const struct vcpu_state *state, bool thorough,
                   struct hl_error *error);

    /*
     * The page tables have removed or restricted something in [gva, gva + size), which is mapped to
     * [gpa, gpa + size) of the memory; the range may be larger than the change.  Later accesses
     * must not use cached translations for it.  size 0: anywhere.  Additions are not announced.
     */
    void (*changed)(struct hl_vcpu *vcpu, hl_gva_t gva, hl_gpa_t gpa, size_t size);

    /*
     * Log the pages that the guest writes to: one bit per page of the memory, with room for 64 more
     * pages (KVM counts in whole words).  A page in the log stays there, at no further cost, until
     * it is cleared; a backend that cannot clear single pages clears all when the log is read.  If
     * log_read or log_clear returns false, nothing is known any more.
     */
    bool (*log_start)(struct hl_vcpu *vcpu);
    bool (*log_read)(struct hl_vcpu *vcpu, uint64_t *bits);
    bool (*log_clear)(struct hl_vcpu *vcpu, uint64_t *bits);

    /* After set_regs, if both are needed: the backend may remember where it armed a step. */
    int (*arm)(struct hl_vcpu *vcpu, const struct vcpu_debug *debug, struct hl_error *error);
    /* Would a step armed now stop after the guest's next instruction?  Otherwise TF will. */
    bool (*can_step)(const struct hl_vcpu *vcpu);

    void (*kick)(struct hl_vcpu *vcpu); /* the run in progress, or the next one, is interrupted */
    /*
     * From now on a timer ends runs on this thread at each multiple of period, in CLOCK_MONOTONIC,
     * that falls into one.  0 stops the timer, on the same thread.  NULL: not supported.
     */
    int (*sample)(struct hl_vcpu *vcpu, uint64_t period, struct hl_error *error);
    /* Returns the number of counters.  NULL: it has no counters. */
    size_t (*stats)(struct hl_vcpu *vcpu, struct vcpu_stat *list, size_t max);
};

/* The default backend (parts.c). */
extern const struct backend *const backend_default;

#endif
