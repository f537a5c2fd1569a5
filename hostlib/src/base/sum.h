/* SPDX-License-Identifier: Apache-2.0 */
/* sum.h - checksums of guest files and snapshots. */
#ifndef HL_SUM_H
#define HL_SUM_H

#include <stddef.h>
#include <stdint.h>

/* 64 bits, to detect damage, not tampering. */
uint64_t sum_of(const void *data, size_t size);
/* The same for size bytes in pieces; all but the last must be multiples of 32 bytes. */
struct summing {
    uint64_t lane[4];
};
struct summing sum_begin(size_t size);
void sum_add(struct summing *sum, const void *data, size_t size);
uint64_t sum_end(const struct summing *sum);

#endif
