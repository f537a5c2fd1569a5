/* SPDX-License-Identifier: Apache-2.0 */
/* note.S - the note that makes a program a guest, of no functions: for seeds.sh. */
#include <hl/abi.h>

    .section .note.hl, "a", @note
    .balign 4
    .long 3, 2f - 1f, HL_NOTE_TYPE
    .asciz HL_NOTE_NAME
    .balign 4
1:
    .long HL_ABI_VERSION, 0
    .quad 0, -8, 0, -8 /* each list ends where it begins */
2:
    .section .note.GNU-stack, "", @progbits
