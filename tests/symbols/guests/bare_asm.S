/* SPDX-License-Identifier: Apache-2.0 */
/* No CFI, and rbp and rbx are general registers, as they are in musl. */
    .text
    .globl bare_rbp
    .type bare_rbp, @function
bare_rbp:
    push %rbp
    push %rbx
    mov $0x1234, %ebp
    mov $0x5678, %ebx
    sub $200, %rsp
    ud2
    add $200, %rsp
    pop %rbx
    pop %rbp
    ret
    .size bare_rbp, . - bare_rbp

    .globl bare_entry
    .type bare_entry, @function
bare_entry:
    ud2
    ret
    .size bare_entry, . - bare_entry

#ifdef HUGE_REGISTER
/* libdw would make room for all registers up to this one, 16 bytes each. */
    .type huge, @function
huge:
    .cfi_startproc
    .cfi_undefined 0x20000000
    ret
    .cfi_endproc
    .size huge, . - huge
#endif
    .section .note.GNU-stack, "", @progbits
