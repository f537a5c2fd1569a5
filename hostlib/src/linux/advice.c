/* SPDX-License-Identifier: Apache-2.0 */
/* linux/advice.c - madvise: advice is ignored; what promises zeros or an error is implemented. */
#include <errno.h>
#include <sys/mman.h>

#include "linux.h"
#include "linux_heap.h"
#include "linux_pages.h"

/* The advice for private memory without a file.  MADV_POPULATE_* is refused, as in old kernels. */
static bool is_advice(uint64_t advice)
{
    switch (advice) {
    case MADV_NORMAL:
    case MADV_RANDOM:
    case MADV_SEQUENTIAL:
    case MADV_WILLNEED:
    case MADV_DONTNEED:
    case MADV_FREE:
    case MADV_REMOVE:
    case MADV_DONTFORK:
    case MADV_DOFORK:
    case MADV_MERGEABLE:
    case MADV_UNMERGEABLE:
    case MADV_HUGEPAGE:
    case MADV_NOHUGEPAGE:
    case MADV_DONTDUMP:
    case MADV_DODUMP:
    case MADV_WIPEONFORK:
    case MADV_KEEPONFORK:
    case MADV_COLD:
    case MADV_PAGEOUT:
        return true;
    default:
        return false;
    }
}

/* The image, the stack and the buffers are always present, as if locked. */
static int64_t advise_elsewhere(struct hl_sandbox *sb, const uint64_t a[6])
{
    if (hl_machine_lookup(sb->machine, a[0], NULL, NULL))
        return -ENOMEM;
    bool takes = a[2] == MADV_DONTNEED || a[2] == MADV_FREE || a[2] == MADV_REMOVE;
    return takes ? -EINVAL : 0;
}

/*
 * Only MADV_DONTNEED changes what the guest can see; other advice is ignored.  Linux applies it to
 * the pages that are mapped, and then reports that some were not.
 */
int64_t linux_madvise(struct hl_sandbox *sb, const uint64_t a[6])
{
    size_t page, count;
    if (!is_advice(a[2]) || a[0] % PAGE_SIZE || a[1] > UINT64_MAX - PAGE_SIZE)
        return -EINVAL;
    if (!a[1])
        return 0;
    if (!linux_in_heap(sb, a[0], a[1], &page, &count))
        return advise_elsewhere(sb, a);
    if (a[2] == MADV_REMOVE)
        return linux_same_use(sb->os, page, count, false) < count ? -EINVAL : -ENOMEM;
    if (a[2] == MADV_DONTNEED && !linux_zero_pages(sb, page, count, true))
        return LINUX_AGAIN;
    return linux_same_use(sb->os, page, count, true) < count ? -ENOMEM : 0;
}
