/* SPDX-License-Identifier: Apache-2.0 */
/* crtn: the end of the functions that start.S begins in sections .init and .fini; linked last. */
    .macro end section, name
    .section \section, "ax", @progbits
    .globl \name
    .hidden \name
\name:
    popq %rbp
    ret
    .endm

    end .init, hl_init_section_end
    end .fini, hl_fini_section_end

    .section .note.GNU-stack, "", @progbits
