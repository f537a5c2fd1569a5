/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu.h - the seam below the machine: something that runs guest instructions until an exit.
 *
 * KVM is one backend, the tests' scripted one another.  A machine keeps the backend it was made on,
 * and a snapshot and its clones go on with it.  Nothing above this header includes linux/kvm.h.
 */
#ifndef HL_VCPU_H
#define HL_VCPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/machine.h>

struct hl_vcpu; /* each backend's own */

/* Everything the processor must know before its first instruction at ring 3. */
struct vcpu_setup {
    void *memory; /* becomes GPA 0 and up */
    size_t memory_size;
    hl_gpa_t page_table;
    hl_gva_t gdt, idt, tss, gate;
    uint16_t gdt_limit, idt_limit, tss_limit;
    bool log; /* log the guest's writes from the beginning, which is cheaper than later */
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

enum vcpu_exit_kind { VCPU_IO, VCPU_MMIO, VCPU_INTERRUPT, VCPU_DEBUG, VCPU_DEAD };

struct vcpu_exit {
    enum vcpu_exit_kind kind;
    union {
        struct {
            uint16_t port;
            uint8_t size;
            bool in;
            uint32_t count; /* items of a string instruction, else 1 */
            uint32_t value;
        } io;
        struct {
            hl_gpa_t gpa;
            uint8_t size;
            bool write;
            uint8_t data[8];
        } mmio;
        /* A trap that the backend took before the guest's IDT could: rip is on an int3. */
        struct {
            unsigned vector; /* 1 or 3 */
            uint64_t dr6;    /* vector 1: B0 to B3 and BS (Intel SDM 3, 17.2.3) */
        } debug;
        struct {
            unsigned ticks; /* of sample's timer; 0: a kick or a signal */
            bool faulting;  /* an exception has been raised, and comes with the next run */
        } interrupt;
        char why[96];
    };
};

/* The general registers, instruction pointer and flags, whatever ring they belong to. */
struct vcpu_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
};

/* Selectors and control registers, as they are at ring 3. */
struct vcpu_system {
    uint16_t cs, ss, ds, es, fs, gs;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer;
};

#define VCPU_SLOTS 4

/* Where KVM does not switch them (kvm/vcpu_segments.c). */
struct vcpu_segments {
    uint16_t ds, es;
};

/*
 * All that a guest at ring 3 has of its vCPU, and a new vCPU of the same set-up needs to go on as
 * it: what only ring 0 can change (control and debug registers, the other MSRs, XCR0) is the same
 * in every machine, and put back with `whole`.
 */
struct vcpu_state {
    struct vcpu_regs regs;
    uint64_t fs_base, gs_base, cr2;
    uint16_t ds, es, fs, gs;
    struct vcpu_segments thread; /* not in a file: null after it is loaded */
    uint32_t xsave_size;
    uint8_t xsave[]; /* what get_xsave gives */
};

enum vcpu_slot_kind { VCPU_SLOT_OFF, VCPU_SLOT_EXEC, VCPU_SLOT_WRITE, VCPU_SLOT_ACCESS };

/* What the backend is to trap by itself, from the next run on until told otherwise. */
struct vcpu_debug {
    bool step;     /* one instruction, then VCPU_DEBUG with vector 1 and BS */
    bool sw_break; /* int3: VCPU_DEBUG with vector 3 */
    struct {
        enum vcpu_slot_kind kind;
        uint8_t size; /* 1, 2, 4 or 8; address is aligned to it */
        hl_gva_t address;
    } slot[VCPU_SLOTS]; /* VCPU_DEBUG with vector 1 and B0 to B3 */
};

struct vcpu_ops {
    int (*create)(struct hl_vcpu **vcpu, const struct vcpu_setup *setup, struct hl_error *error);
    void (*destroy)(struct hl_vcpu *vcpu);
    /* whole: no kick and no signal ends it; they wait for the next run.  The caller knows that an
     * exit is near. */
    int (*run)(struct hl_vcpu *vcpu, bool whole, struct vcpu_exit *exit, struct hl_error *error);
    /* Complete the access of the last exit without running on. */
    int (*settle)(struct hl_vcpu *vcpu, struct hl_error *error);
    /* Between runs.  The pointer stays good until the next run; after changing what it points to
     * call regs_changed. */
    struct vcpu_regs *(*regs)(struct hl_vcpu *vcpu, struct hl_error *error);
    void (*regs_changed)(struct hl_vcpu *vcpu);
    int (*get_bases)(struct hl_vcpu *vcpu, uint64_t *fs, uint64_t *gs, struct hl_error *error);
    int (*set_bases)(struct hl_vcpu *vcpu, uint64_t fs, uint64_t gs, struct hl_error *error);
    int (*get_cr2)(struct hl_vcpu *vcpu, uint64_t *cr2, struct hl_error *error);
    int (*get_system)(struct hl_vcpu *vcpu, struct vcpu_system *system, struct hl_error *error);
    uint64_t (*xcr0)(const struct hl_vcpu *vcpu); /* state components the guest has */
    /* The XSAVE area in the standard format (Intel SDM 1, 13.4). */
    size_t (*xsave_size)(const struct hl_vcpu *vcpu);
    size_t (*xsave_used)(const struct hl_vcpu *vcpu); /* of it, by the components of xcr0 */
    int (*get_xsave)(struct hl_vcpu *vcpu, void *area, struct hl_error *error);
    int (*set_xsave)(struct hl_vcpu *vcpu, const void *area, struct hl_error *error);
    /* At ring 3 and settled only (STATE); *state is the caller's to free(). */
    int (*save)(struct hl_vcpu *vcpu, struct vcpu_state **state, struct hl_error *error);
    /* Settled only.  whole: the vCPU may be in any condition, a triple fault's included. */
    int (*restore)(struct hl_vcpu *vcpu, const struct vcpu_state *state, bool whole,
                   struct hl_error *error);
    /*
     * Log the pages the guest writes to, one bit a page of the memory.  A page once in the log
     * stays there, and costs nothing more, until it is cleared; where the backend cannot do so,
     * reading clears all.  log_read and log_clear false: nothing is known any more.
     */
    bool (*log_start)(struct hl_vcpu *vcpu);
    bool (*log_read)(struct hl_vcpu *vcpu, uint64_t *bits);
    bool (*log_clear)(struct hl_vcpu *vcpu, uint64_t *bits);
    /* After regs_changed, if both are due: the backend may remember where it armed a step. */
    int (*debug)(struct hl_vcpu *vcpu, const struct vcpu_debug *debug, struct hl_error *error);
    void (*answer)(struct hl_vcpu *vcpu, const void *data, size_t size); /* to an in or MMIO read */
    void (*kick)(struct hl_vcpu *vcpu);                                  /* from any thread */
    int (*cpu)(struct vcpu_cpu *cpu, struct hl_error *error);
    /*
     * From now on a timer ends runs on this thread: at each multiple of period, in CLOCK_MONOTONIC,
     * that falls into one.  0 ends that, on the same thread.
     */
    int (*sample)(struct hl_vcpu *vcpu, uint64_t period, struct hl_error *error);
    /* How many.  From any thread and while the guest runs, but for the first time. */
    size_t (*stats)(struct hl_vcpu *vcpu, struct vcpu_stat *list, size_t max);
    unsigned (*features)(void); /* HL_FEATURE_* */
};

/* The backend for machines whose maker has no wish (parts.c). */
extern const struct vcpu_ops *const vcpu_default;

#endif
