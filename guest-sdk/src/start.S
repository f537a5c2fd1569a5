/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crt0: the entry point and the ELF note that makes a file a guest.  Assembled once for each
 * flavour, with START (the C function to go on with) and NOTE_FLAGS.
 */
#include <hl/abi.h>

    .text
    .globl _start
    .hidden START
    .type _start, @function
_start:
    .cfi_startproc
    .cfi_undefined rip          /* unwinders stop here */
    xorl %ebp, %ebp             /* frame pointer walkers too */
    movq %rsp, %rsi             /* argc, argv, envp, auxv; %rdi is the boot block */
    andq $-16, %rsp
    call START
    ud2
    .cfi_endproc
    .size _start, . - _start

/*
 * struct hl_note.  The linker script puts the tables' bounds and __hl_note_flags in; the latter is
 * this field's address plus HL_NOTE_MAIN where the guest has a main(), because an address is what
 * can be found out in a PIE without a relocation.  Another script finds the weak definition, no main().
 * .reloc, because gas would fold the difference of two symbols it knows.
 */
    .section .note.hl, "a", @note
    .balign 4
    .long 2f - 1f, 4f - 3f, HL_NOTE_TYPE
1:  .asciz HL_NOTE_NAME
2:  .balign 4
3:  .long HL_ABI_VERSION
    .weak __hl_note_flags
__hl_note_flags:
    .long 0
    .reloc __hl_note_flags, R_X86_64_PC32, __hl_note_flags + NOTE_FLAGS
    .weak __start_hl_functions, __stop_hl_functions, __start_hl_imports, __stop_hl_imports
    .quad __start_hl_functions - .
    .quad __stop_hl_functions - .
    .quad __start_hl_imports - .
    .quad __stop_hl_imports - .
4:

/* One for each program: what C++ registers destructors with.  Its address is all that matters. */
    .section .rodata.dso_handle, "a", @progbits
    .weak __dso_handle
    .hidden __dso_handle
    .balign 8
__dso_handle:
    .quad 0

/*
 * Code that objects put in sections .init and .fini is the body of two functions: linked first, this
 * begins them, and crtn.S ends them.
 */
    .macro begin section, name
    .section \section, "ax", @progbits
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    pushq %rbp
    movq %rsp, %rbp
    .endm

    begin .init, hl_init_section
    begin .fini, hl_fini_section

/* Empty: gives PT_TLS its alignment where there are no such variables; musl computes with it. */
    .section .tdata.hl, "awT", @progbits
    .balign 8

    .section .note.GNU-stack, "", @progbits
