/* SPDX-License-Identifier: Apache-2.0 */
/* x86.h - numbers of the Intel SDM, and of Linux on it, that more than one file uses. */
#ifndef HL_X86_H
#define HL_X86_H

/* Vectors of exceptions, and a bit for each that pushes an error code (SDM 3, table 6-1). */
#define VECTORS 32
#define VECTORS_WITH_CODE 0x60227d00

/* Selectors of ring 3 on Linux: kvm_pvm requires them, debuggers and core files expect them. */
#define USER32_CS 0x23
#define USER_DS 0x2b
#define USER_CS 0x33

#ifndef __ASSEMBLER__

#include <stdbool.h>

enum { VECTOR_DEBUG = 1, VECTOR_BREAKPOINT = 3, VECTOR_OVERFLOW = 4, VECTOR_PAGE_FAULT = 14 };

/* Error code of a page fault (SDM 3, 4.7). */
#define PF_PRESENT (1u << 0)
#define PF_WRITE (1u << 1)
#define PF_USER (1u << 2)
#define PF_RESERVED (1u << 3)
#define PF_FETCH (1u << 4)

#define RFLAGS_TF 0x100ull
#define RFLAGS_GUEST 0x244dd5ull /* the guest's own: arithmetic, TF, DF, NT, AC, ID */
#define RFLAGS_FIXED 0x202ull    /* bit 1, and IF: kvm_pvm wants it at ring 3, nothing interrupts */

static inline bool x86_has_error_code(unsigned vector)
{
    return vector < VECTORS && ((unsigned)VECTORS_WITH_CODE >> vector & 1);
}

#endif
#endif
