/* SPDX-License-Identifier: Apache-2.0 */
#include "memory.h"

#include <errno.h>
#include <sys/mman.h>

/* For kernel headers older than 5.18. */
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif

#define PRIVATE (MAP_PRIVATE | MAP_NORESERVE)
#define OPEN (PROT_READ | PROT_WRITE)

/* MADV_DONTNEED refuses it. */
static bool is_locked(uint8_t *at, size_t size)
{
    return madvise(at, size, MADV_DONTNEED) && errno == EINVAL;
}

/* A mapping without access is not filled when it is made. */
static uint8_t *map_anywhere(size_t size, int fd, uint64_t offset)
{
    int flags = PRIVATE | (fd < 0 ? MAP_ANONYMOUS : 0);
    uint8_t *memory = mmap(NULL, size, PROT_NONE, flags, fd, (off_t)offset);
    if (memory == MAP_FAILED)
        return NULL;
    if ((!is_locked(memory, size) || mlock2(memory, size, MLOCK_ONFAULT) == 0) &&
        mprotect(memory, size, OPEN) == 0)
        return memory;
    int e = errno;
    munmap(memory, size);
    errno = e;
    return NULL;
}

/* Mapped elsewhere and then moved, so that what is at `at` stays usable on failure. */
static uint8_t *map_over(uint8_t *at, size_t size, int fd, uint64_t offset)
{
    uint8_t *memory = map_anywhere(size, fd, offset);
    if (!memory || mremap(memory, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, at) == at)
        return memory ? at : NULL;
    int e = errno;
    munmap(memory, size);
    errno = e;
    return NULL;
}

uint8_t *memory_map(uint8_t *at, size_t size, int fd, uint64_t offset)
{
    if (!at)
        return map_anywhere(size, fd, offset);
    if (is_locked(at, size))
        return map_over(at, size, fd, offset);
    int flags = PRIVATE | MAP_FIXED | (fd < 0 ? MAP_ANONYMOUS : 0);
    return mmap(at, size, OPEN, flags, fd, (off_t)offset) == MAP_FAILED ? NULL : at;
}

bool memory_forget(uint8_t *at, size_t size)
{
    return madvise(at, size, MADV_DONTNEED) == 0 || madvise(at, size, MADV_DONTNEED_LOCKED) == 0 ||
           (munlock(at, size) == 0 && madvise(at, size, MADV_DONTNEED) == 0);
}
