/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <sys/mman.h>

/* Older headers than the kernel's 5.18. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

/* A mapping that cannot be accessed is not filled, and MADV_DONTNEED refuses a locked one. */
static bool fill_on_fault(uint8_t *at, size_t size)
{
    bool locked = madvise(at, size, MADV_DONTNEED) && errno == EINVAL;
    return !locked || mlock2(at, size, MLOCK_ONFAULT) == 0;
}

uint8_t *memory_map(uint8_t *at, size_t size, int fd, uint64_t offset)
{
    int flags = MAP_PRIVATE | MAP_NORESERVE | (at ? MAP_FIXED : 0) | (fd < 0 ? MAP_ANONYMOUS : 0);
    uint8_t *memory = mmap(at, size, PROT_NONE, flags, fd, (off_t)offset);
    if (memory == MAP_FAILED)
        return NULL;
    if (fill_on_fault(memory, size) && mprotect(memory, size, PROT_READ | PROT_WRITE) == 0)
        return memory;
    int e = errno;
    if (!at)
        munmap(memory, size);
    errno = e;
    return NULL;
}

bool memory_forget(uint8_t *at, size_t size)
{
    return madvise(at, size, MADV_DONTNEED) == 0 || madvise(at, size, MADV_DONTNEED_LOCKED) == 0 ||
           (munlock(at, size) == 0 && madvise(at, size, MADV_DONTNEED) == 0);
}
