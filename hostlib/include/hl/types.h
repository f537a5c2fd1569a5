/* SPDX-License-Identifier: Apache-2.0 */
/* hl/types.h - guest addresses and access rights, which several headers use. */
#ifndef HL_TYPES_H
#define HL_TYPES_H

#include <stdint.h>

typedef uint64_t hl_gva_t; /* guest virtual address, as the guest's own code sees it */
typedef uint64_t hl_gpa_t; /* guest physical address, as hl_machine_alloc() returns it */

/* What the guest's ring 3 may do with a page; bits. */
#define HL_PROT_NONE 0u
#define HL_PROT_READ 1u
#define HL_PROT_WRITE 2u
#define HL_PROT_EXEC 4u

#endif
