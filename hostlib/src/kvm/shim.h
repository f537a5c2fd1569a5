/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim.h - the ring 0 of every machine, owned by the host: where its pages are and what they hold.
 *
 * Ring 0 makes no decisions: each stub is an `out` that the host answers, and an `iretq` whose
 * frame is at a fixed address that the host can read and write.  Segment selectors are Linux's,
 * which kvm_pvm requires for ring 3 and debuggers expect.
 */
#ifndef HL_SHIM_H
#define HL_SHIM_H

#include "x86.h"

#define SHIM_GVA 0xffff800000000000 /* upper half: no guest mapping can conflict */
#define SHIM_CODE 0x0000   /* stubs and gate, and on the same page, which is never written, */
#define SHIM_TABLES 0x0800 /* GDT, IDT, TSS with the I/O bitmap */
#define SHIM_STACK 0x1000
#define SHIM_SIZE 0x2000 /* BACKEND_SIZE */

/* Only for ring 0: not in the I/O bitmap. */
#define SHIM_PORT_VECTOR 0xe8
#define SHIM_PORT_SYSCALL 0xe9

#define SHIM_STUB_SIZE 16
#define SHIM_OUT_SIZE 2           /* of `out %al, $imm8` */
#define SHIM_SAVED_RSP SHIM_STACK /* where the gate saves the user's stack pointer */
#define SHIM_STACK_TOP (SHIM_STACK + 0x1000)

#define SHIM_KERNEL_CS 0x10
#define SHIM_KERNEL_DS 0x18
#define SHIM_TSS 0x40

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stdint.h>

extern const unsigned char shim_code[], shim_gate[], shim_gate_out[], shim_end[];

/* What the processor (or the gate) pushed, ending at SHIM_STACK_TOP. */
struct shim_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};

/* The addresses of the processor's tables, and of the gate of `syscall`. */
struct shim_tables {
    uint64_t gdt, idt, tss, gate;
    uint16_t gdt_limit, idt_limit, tss_limit;
};
struct shim_tables shim_tables(void);

/* Write code and tables to the first SHIM_SIZE bytes of a machine's memory. */
void shim_write(uint8_t *pages, const uint8_t *ports);

struct shim_frame *shim_frame(uint8_t *pages);

/* Where an interrupted vCPU was. */
enum shim_place {
    SHIM_OUTSIDE,
    SHIM_BEFORE_OUT, /* on the way to an exit of its own */
    SHIM_PAST_OUT,   /* the frame complete, about to return */
};
enum shim_place shim_place(uint64_t rip);

/*
 * A stub has executed its `out` and rip is on it or past it: which exception was it?  NULL with
 * *fault filled except for its address, or the reason why it is not an exception of the guest.
 */
struct hl_fault;
const char *shim_fault(uint8_t *pages, uint64_t rip, uint64_t rsp, struct hl_fault *fault);

/* Is that a `syscall` that was reported as a fault on the gate's page?  rcx is the guest's. */
struct pagetable;
bool shim_is_syscall(const struct hl_fault *fault, const struct pagetable *tables, uint64_t rcx);

#endif
#endif
