/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of libhlfree, which stands in for a libc, share. */
#ifndef HL_FREE_H
#define HL_FREE_H

#include "../state.h"

/* Bytes that hl_tls_init needs for the thread-local block, alignment and control block included. */
size_t hl_tls_size(const struct hl_boot *boot);

/* Builds the thread-local block in `memory` and points %fs to it. */
void hl_tls_init(const struct hl_boot *boot, void *memory);

/* Runs what __cxa_atexit registered, last first. */
void hl_atexit_run(void);

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);
int bcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);

#endif
