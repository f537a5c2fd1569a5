/* SPDX-License-Identifier: Apache-2.0 */
/* The heap of a guest without a libc. */
#include "free.h"

void *hl_sbrk(size_t size)
{
    static uintptr_t end;
    uintptr_t former;
    uintptr_t wanted;
    if (!end)
        end = (uintptr_t)hl_syscall(HL_SYS_BRK, 0, 0, 0);
    former = end;
    if (__builtin_add_overflow(end, size, &wanted))
        return NULL;
    /* On failure the kernel's interface, which the host follows, returns the unchanged end. */
    if ((uintptr_t)hl_syscall(HL_SYS_BRK, (long)wanted, 0, 0) != wanted)
        return NULL;
    end = wanted;
    return (void *)former;
}
