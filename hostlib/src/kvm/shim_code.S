/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shim_code.S - the code of ring 0, copied into each machine's first pages (see shim.h).
 */
#include "shim.h"

    .section .rodata
    .balign 16
    .globl shim_code, shim_gate, shim_gate_out, shim_end
    .hidden shim_code, shim_gate, shim_gate_out, shim_end
shim_code:
/* One stub per vector; the host identifies them by rip, and drops the error code with the `add`. */
    .set vector, 0
    .rept VECTORS
    .balign SHIM_STUB_SIZE, 0xcc
    out %al, $SHIM_PORT_VECTOR
    .if (VECTORS_WITH_CODE >> vector) & 1
    add $8, %rsp
    .endif
    iretq
    .set vector, vector + 1
    .endr

/*
 * LSTAR.  `syscall` leaves the user's stack pointer in rsp, and its rip and rflags in rcx and r11:
 * build the frame of an interrupt, so that the host finds every ring-3 state in the same form.
 */
    .balign SHIM_STUB_SIZE, 0xcc
shim_gate:
    mov %rsp, shim_code + SHIM_SAVED_RSP(%rip)
    lea shim_code + SHIM_STACK_TOP(%rip), %rsp
    pushq $USER_DS
    pushq shim_code + SHIM_SAVED_RSP(%rip)
    push %r11
    pushq $USER_CS
    push %rcx
shim_gate_out:
    out %al, $SHIM_PORT_SYSCALL
    iretq
shim_end:
    .org shim_code + SHIM_TABLES /* cannot go back: the tables begin here */

    .section .note.GNU-stack, "", @progbits
