/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend.h - the seam below the machine: something that runs a guest's ring-3 code until an exit.
 *
 * KVM is one backend (hostlib/src/kvm), the tests' scripted one another (tests/kit/scripted.c).  A
 * machine keeps the backend it was made on, and a snapshot and its clones go on with it.  Nothing
 * here speaks of a hypervisor or of a ring 0: where a backend needs one, that is its own business,
 * and the registers it shows are the guest's.
 *
 * Who calls: the machine, for one vCPU from one thread at a time, and not while it runs.  From any
 * thread, and at any time between create and destroy, come kick and, after its first call, stats;
 * cpu and features need no vCPU.  Functions that can fail fill the error and return its code.
 *
 * What a backend is given (struct backend_setup): memory; page tables that the machine alone writes
 * to, and that describe the guest's address space completely; the ports that the guest may use. The
 * first BACKEND_SIZE bytes of the memory are the backend's to use, and addresses in the upper half.
 * All guests are alike to it: it knows no sandbox, image or system call.
 */
#ifndef HL_BACKEND_H
#define HL_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

#include "pagetable.h"

struct hl_vcpu; /* each backend's own */

/* Reserved on every backend, so that memory and snapshot files are laid out alike. */
#define BACKEND_SIZE 0x2000u

/* Memory, tables and ports stay where they are until destroy. */
struct backend_setup {
    uint8_t *memory; /* becomes GPA 0 and up */
    size_t memory_size;
    struct pagetable *tables;
    const uint8_t
        *ports; /* a bit each up to HL_MACHINE_PORT_LIMIT, then ones: 0 if it may be used */
    bool log;   /* log the guest's writes from the beginning, which is cheaper than later */
};

/* What it maps in the upper half, out of the guest's reach; size 0: nothing. */
struct backend_own {
    hl_gva_t gva;
    size_t size;
    const char *what;
};

/* What a guest can see of the processor, as far as it matters for moving it to another one. */
struct vcpu_cpu {
    uint64_t xcr0;
    uint32_t feature[8]; /* words of CPUID feature bits */
};

#define VCPU_STATS 128 /* that a backend may know of */

/* A counter of the backend's own. */
struct vcpu_stat {
    char name[48];
    bool vm; /* of the machine, else of its processor */
    uint64_t value;
};

/* Selectors and control registers as a debugger is shown them: the guest's, at ring 3. */
struct vcpu_system {
    uint16_t cs, ss, ds, es, fs, gs;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

/*
 * All that a guest at ring 3 has of its vCPU, and a new vCPU of the same set-up needs to go on as
 * it.  What a guest cannot change is the same in every machine, and not in it.
 */
struct vcpu_state {
    struct hl_regs regs;
    uint64_t cr2;
    uint16_t ds, es, fs, gs;
    uint32_t own; /* the backend's own; 0 in a state that comes from a file */
    uint32_t xsave_size;
    uint8_t xsave[]; /* what get_xsave gives */
};

#define VCPU_SLOTS 4

enum vcpu_slot_kind { VCPU_SLOT_OFF, VCPU_SLOT_EXEC, VCPU_SLOT_WRITE, VCPU_SLOT_ACCESS };

/*
 * What the backend is to trap by itself, from the next run on until it is armed anew.  It may turn
 * out that it cannot: the debugger tries each of them once, and does without (debug/probe.c).
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

/* How an exit's debug trap came. */
struct vcpu_trap {
    bool by_exit; /* it is one that was armed; else the guest's own exception: TF, int3, int1 */
    uint64_t dr6; /* if by_exit: B0 to B3 and BS (Intel SDM 3, 17.2.3) */
};

struct backend {
    const char *name; /* "kvm" */
    struct backend_own own;
    int (*cpu)(struct vcpu_cpu *cpu, struct hl_error *error);
    unsigned (*features)(void); /* HL_FEATURE_* */

    /* It may map pages of its own in the upper half (PAGE_SUPERVISOR) before it returns. */
    int (*create)(struct hl_vcpu **vcpu, const struct backend_setup *setup, struct hl_error *error);
    void (*destroy)(struct hl_vcpu *vcpu);

    /*
     * Run the guest until an exit of its own, as hl/machine.h describes them.  It stops only where
     * its registers can be shown: an interrupt that comes while it is on the way to an exit is
     * reported by the next run, at once.  *trap is zeros before.  After HL_EXIT_SHUTDOWN there is
     * restore, thoroughly, and destroy; the machine sees to that.
     */
    int (*run)(struct hl_vcpu *vcpu, struct hl_exit *exit, struct vcpu_trap *trap,
               struct hl_error *error);
    /* Answers to the last exit; STATE where it waits for none of that kind any more. */
    int (*syscall_result)(struct hl_vcpu *vcpu, uint64_t rax);
    int (*answer)(struct hl_vcpu *vcpu, const void *data, size_t size); /* an in or MMIO read */

    /*
     * All but the bases.  After an access (HL_EXIT_IO, HL_EXIT_MMIO) they are those of the
     * completed instruction; but get shows a read that waits for its answer as not yet begun, and
     * nothing is set or saved until it has been answered: the machine sees to that.  rflags: what
     * get gave, or bits of RFLAGS_GUEST and RFLAGS_FIXED.
     */
    int (*get_regs)(struct hl_vcpu *vcpu, struct hl_regs *regs, struct hl_error *error);
    int (*set_regs)(struct hl_vcpu *vcpu, const struct hl_regs *regs, struct hl_error *error);
    int (*get_bases)(struct hl_vcpu *vcpu, uint64_t *fs, uint64_t *gs, struct hl_error *error);
    int (*set_bases)(struct hl_vcpu *vcpu, uint64_t fs, uint64_t gs, struct hl_error *error);
    int (*get_system)(struct hl_vcpu *vcpu, struct vcpu_system *system, struct hl_error *error);
    uint64_t (*xcr0)(const struct hl_vcpu *vcpu); /* state components the guest has */
    /* The XSAVE area in the standard format (Intel SDM 1, 13.4). */
    size_t (*xsave_size)(const struct hl_vcpu *vcpu);
    size_t (*xsave_used)(const struct hl_vcpu *vcpu); /* of it, by the components of xcr0 */
    int (*get_xsave)(struct hl_vcpu *vcpu, void *area, struct hl_error *error);
    int (*set_xsave)(struct hl_vcpu *vcpu, const void *area, struct hl_error *error);

    /* After an access, an interrupt or before the first run (else STATE); *state is for free(). */
    int (*save)(struct hl_vcpu *vcpu, struct vcpu_state **state, struct hl_error *error);
    /*
     * Go on from there, whatever the last exit was; no answer is due any more.  thorough: what the
     * state does not hold is put right, too, at its cost: the guest ended badly, or the state is
     * that of another machine.  Memory and page tables are the caller's to restore.
     */
    int (*restore)(struct hl_vcpu *vcpu, const struct vcpu_state *state, bool thorough,
                   struct hl_error *error);

    /*
     * The page tables have taken something away at [gva, gva + size), which is [gpa, gpa + size) of
     * the memory, and more than was changed may be in it: no access after this may go by what was
     * there before.  size 0: anywhere.  What is added is not announced.
     */
    void (*changed)(struct hl_vcpu *vcpu, hl_gva_t gva, hl_gpa_t gpa, size_t size);

    /*
     * Log the pages the guest writes to, one bit a page of the memory, with room for 64 pages more
     * (KVM counts in whole words).  A page once in the log stays there, and costs nothing more,
     * until it is cleared; where the backend cannot do so, reading clears all.  log_read and
     * log_clear false: nothing is known any more.
     */
    bool (*log_start)(struct hl_vcpu *vcpu);
    bool (*log_read)(struct hl_vcpu *vcpu, uint64_t *bits);
    bool (*log_clear)(struct hl_vcpu *vcpu, uint64_t *bits);

    /* After set_regs, if both are due: the backend may remember where it armed a step. */
    int (*arm)(struct hl_vcpu *vcpu, const struct vcpu_debug *debug, struct hl_error *error);
    /* Would a step armed now stop after the guest's next instruction?  Else TF does. */
    bool (*can_step)(const struct hl_vcpu *vcpu);

    void (*kick)(struct hl_vcpu *vcpu); /* the run in progress, or the next one, is interrupted */
    /*
     * From now on a timer ends runs on this thread: at each multiple of period, in CLOCK_MONOTONIC,
     * that falls into one.  0 ends that, on the same thread.  NULL: it cannot.
     */
    int (*sample)(struct hl_vcpu *vcpu, uint64_t period, struct hl_error *error);
    /* How many.  NULL: it has none. */
    size_t (*stats)(struct hl_vcpu *vcpu, struct vcpu_stat *list, size_t max);
};

/* The backend for machines whose maker has no wish (parts.c). */
extern const struct backend *const backend_default;

#endif
