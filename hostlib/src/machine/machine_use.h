/* SPDX-License-Identifier: Apache-2.0 */
/* machine_use.h - the pages that the guest reads and writes, from the bits of its page tables. */
#ifndef HL_MACHINE_USE_H
#define HL_MACHINE_USE_H

#include "machine.h"
#include "pagetable.h"

struct machine_use {
    struct pagetable_use sets; /* zeros at first, and again with each begin */
    size_t words;              /* of each */
};

/*
 * Room for a machine of that size; false if out of memory.  An empty one may be zero-initialised.
 */
bool machine_use_open(struct machine_use *use, const struct hl_machine *m);
void machine_use_close(struct machine_use *use);

/* From now on the first access to each page is a fault of the backend. */
void machine_use_begin(struct machine_use *use, struct hl_machine *m);
void machine_use_end(struct hl_machine *m);

#endif
