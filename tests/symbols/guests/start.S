/* SPDX-License-Identifier: Apache-2.0 */
/* Entry point of the programs that test_symbols.c runs natively and stops with `ud2`. */
    .text
    .globl _start
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip
    xor %ebp, %ebp
    call main
    mov %eax, %edi
    mov $60, %eax
    syscall
    .cfi_endproc
    .size _start, . - _start

/* A label without type or size: still the name of what follows it. */
plain_label:
    nop
    nop
    ret
    .section .note.GNU-stack, "", @progbits
