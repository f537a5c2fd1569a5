/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine_use.h - which pages the guest reads and writes, told by the accessed and dirty bits of
 * its page tables.
 *
 * Otherwise these bits are set ahead, so that nobody ever has to write to a table.  Between begin
 * and end they are the processor's (or, under shadow paging, KVM's) to set: the first access to
 * each page is a fault of KVM's own.
 */
#ifndef HL_MACHINE_USE_H
#define HL_MACHINE_USE_H

#include "machine.h"

struct machine_use {
    uint64_t *read, *written;  /* bit sets over the pages of the memory, added to */
    uint64_t touched, dirtied; /* how many pages this time */
};

size_t machine_use_words(const struct hl_machine *m); /* of a bit set */
void machine_use_begin(struct hl_machine *m);
void machine_use_end(struct hl_machine *m, struct machine_use *use);

#endif
