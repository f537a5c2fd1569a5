/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wrap.h - the system calls and allocations that libhl makes, to be counted and made to fail.
 *
 * The linker puts these between (--wrap): libhl itself knows nothing of it.
 */
#ifndef TESTS_FAULT_WRAP_H
#define TESTS_FAULT_WRAP_H

#include <stdint.h>

/* The n-th call from now on fails, from 1; 0: none.  Counting begins anew. */
void wrap_begin(unsigned n);
unsigned wrap_end(void); /* how many there were */

/* "calloc", "ioctl 0xae80": the one that failed last. */
const char *wrap_failed(void);

/* What libhl has and did not give back. */
struct wrap_left {
    unsigned blocks;
    uint64_t mapped;
};
struct wrap_left wrap_left(void);

#endif
