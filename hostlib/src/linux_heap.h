/* SPDX-License-Identifier: Apache-2.0 */
/* linux_heap.h - brk and anonymous mmap inside the sandbox's heap region. */
#ifndef HL_LINUX_HEAP_H
#define HL_LINUX_HEAP_H

#include "sandbox.h"

/* System calls: arguments as Linux has them, the result or a negative errno. */
int64_t linux_brk(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mmap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_munmap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mprotect(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_mremap(struct hl_sandbox *sb, const uint64_t a[6]);
int64_t linux_madvise(struct hl_sandbox *sb, const uint64_t a[6]);

/* What the host keeps, out of and into a snapshot; both of the same heap size.
 * maps: mappings differ, too. */
int linux_copy(struct linux_state *to, const struct linux_state *from, struct hl_error *error);
size_t linux_words(const struct linux_state *os); /* of `used` */
void linux_put(struct linux_state *to, const struct linux_state *from, bool maps);

#endif
