/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vcpu.h - the seam below the machine: something that runs guest instructions until an exit.
 *
 * KVM is the one backend now; tests can put a scripted one in its place, and a software vCPU would
 * go here.  Nothing above this header includes linux/kvm.h.
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
};

enum vcpu_exit_kind { VCPU_IO, VCPU_MMIO, VCPU_INTERRUPT, VCPU_DEAD };

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
        char why[96];
    };
};

/* The general registers, instruction pointer and flags, whatever ring they belong to. */
struct vcpu_regs {
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
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
    void (*answer)(struct hl_vcpu *vcpu, const void *data, size_t size); /* to an in or MMIO read */
    void (*kick)(struct hl_vcpu *vcpu);                                  /* from any thread */
    unsigned (*features)(void);                                          /* HL_FEATURE_* */
};

extern const struct vcpu_ops hl_vcpu_kvm;

#endif
