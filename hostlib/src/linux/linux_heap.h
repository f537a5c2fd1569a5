/* SPDX-License-Identifier: Apache-2.0 */
/* linux_heap.h - brk and anonymous mmap inside the sandbox's heap region. */
#ifndef HL_LINUX_HEAP_H
#define HL_LINUX_HEAP_H

#include "sandbox.h"

/* System calls: arguments as in Linux, the result or a negative errno. */
int64_t linux_brk(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mmap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_munmap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mprotect(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mremap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_madvise(struct hl_sandbox *sb, const uint64_t a[6]);

/* What a debugger allocates, and what other parts ask of the heap: see personality.h. */
bool linux_lend(struct hl_sandbox *sb, uint64_t size, hl_gva_t *gva);
bool linux_take_back(struct hl_sandbox *sb, hl_gva_t gva, uint64_t size);
const char *linux_page_use(const struct hl_sandbox *sb, hl_gva_t gva);
uint64_t linux_heap_used(const struct hl_sandbox *sb);

#endif
