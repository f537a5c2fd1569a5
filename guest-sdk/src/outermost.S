/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that a libc calls on the way from _start to the author's code, and where a backtrace
 * ends: no unwinder knows where the libc's own functions below were called from.  A return address
 * that is undefined means to it that there is no caller (DWARF 5, 6.4.1); a frame pointer of 0 says
 * those that follow frame pointers.
 */
    .macro outermost name, target
    .section .text.\name, "ax", @progbits
    .hidden \target
    .type \name, @function
\name:
    .cfi_startproc
    .cfi_undefined rip
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    xorl %ebp, %ebp
    call \target
    popq %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size \name, . - \name
    .endm

/* A name for backtraces, which the author may use as well: it is reached by a pointer. */
    outermost crt0_serve, hl_libc_serve
    .section .data.rel.ro.local, "aw", @progbits
    .globl hl_outermost_serve
    .hidden hl_outermost_serve
    .balign 8
hl_outermost_serve:
    .quad crt0_serve

/* musl's own two are weak, so that somebody else can do their work. */
    .globl __libc_start_init, __libc_exit_fini
    .hidden __libc_start_init, __libc_exit_fini
    outermost __libc_start_init, hl_libc_constructors
    outermost __libc_exit_fini, hl_libc_destructors

    .section .note.GNU-stack, "", @progbits
