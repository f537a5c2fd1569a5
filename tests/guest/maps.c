/* SPDX-License-Identifier: Apache-2.0 */
/* Memory from mmap: what mapping.h does, reservations, and what remains when a snapshot comes. */
#define _GNU_SOURCE
#include <hl/guest.h>

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "mapping.h"

static char *reserved;
static size_t reserved_size;

static struct mapping mapping;

HL_FUNCTION(u64, Mapping, (u64, seed), (u32, steps))
{
    mapping = (struct mapping){.os = &mapping_native, .seed = seed};
    return mapping_run(&mapping, steps);
}

/* Of the last call, for a message. */
HL_FUNCTION(i64, MappingResult)
{
    return mapping_result(&mapping);
}

HL_FUNCTION(bool, Reserve, (u64, size))
{
    reserved_size = size;
    reserved = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return reserved != MAP_FAILED;
}

/* Open one page of it and write there. */
HL_FUNCTION(bool, Commit, (u64, at))
{
    if (mprotect(reserved + at, 4096, PROT_READ | PROT_WRITE))
        return false;
    bool zero = reserved[at] == 0;
    reserved[at] = 1;
    return zero;
}

HL_FUNCTION(i32, Peek, (u64, at))
{
    return *(volatile char *)(reserved + at);
}

HL_FUNCTION(bool, Release)
{
    return munmap(reserved, reserved_size) == 0;
}

/* Linux says EINVAL of an odd address, and nothing of no bytes. */
HL_FUNCTION(i32, Advice)
{
    if (madvise((char *)8, 4096, MADV_DONTNEED) != -1 || errno != EINVAL)
        return 1;
    return madvise((char *)4096, 0, MADV_DONTNEED);
}

HL_FUNCTION(u64, StackSize)
{
    pthread_attr_t a;
    void *low = NULL;
    size_t size = 0;
    pthread_getattr_np(pthread_self(), &a);
    pthread_attr_getstack(&a, &low, &size);
    bool inside = (char *)&a > (char *)low && (char *)&a < (char *)low + size;
    return inside ? size : 0;
}
