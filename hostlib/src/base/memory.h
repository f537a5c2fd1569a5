/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - guest memory, page by page as it is touched, also in a program that has locked all of
 * its own (mlockall(MCL_FUTURE)): it would be filled at once, 100 ms for 64 MiB.
 */
#ifndef HL_MEMORY_H
#define HL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A private mapping of fd, or of zeros for -1, at `at`, over what is there, or anywhere for NULL.
 * What is touched of it stays locked where the program wants that.  NULL with errno: then `at` can
 * be used as before, but may hold something else.
 */
uint8_t *memory_map(uint8_t *at, size_t size, int fd, uint64_t offset);

/* As in the beginning: zeros, or the file. */
bool memory_forget(uint8_t *at, size_t size);

#endif
