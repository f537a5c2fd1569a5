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

/*
 * What the host keeps, out of and into a snapshot; both of the same heap size.  maps: mappings may
 * differ; all: everything may.  What the alarm has left counts from now on.
 */
int linux_copy(struct linux_state *to, struct hl_sandbox *from, struct hl_error *error);
size_t linux_words(const struct linux_state *os); /* of `used` */
int linux_put(struct hl_sandbox *to, const struct linux_state *from, bool maps, bool all,
              struct hl_error *error);
/* `used` has a process at its end, that is the guest's. */
void linux_own(struct linux_state *os);
/* Could that be a process?  For what comes from a file. */
bool linux_is_good(const struct linux_process *p);

#endif
