/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - guest memory that is allocated page by page when touched, even in a program that locks
 * its memory (mlockall(MCL_FUTURE)), where it would be filled at once: 100 ms for 64 MiB.
 */
#ifndef HL_MEMORY_H
#define HL_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Map fd privately, or zeros if fd is -1, at `at`, replacing what is there; NULL: anywhere.  If the
 * program locks its memory, pages are locked as they are touched.  On failure returns NULL with
 * errno set; `at` is still usable, but its contents are undefined.
 */
uint8_t *memory_map(uint8_t *at, size_t size, int fd, uint64_t offset);

/* Reset to the initial contents: zeros, or the file. */
bool memory_forget(uint8_t *at, size_t size);

#endif
