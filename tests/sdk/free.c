// SPDX-License-Identifier: Apache-2.0
/* A guest without a libc: constants of gcc's headers, TLS, constructor, heap. */
#include <hl/guest.h>

#include <float.h>
#include <immintrin.h>
#include <limits.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Thread_local int initialised = 7;
static _Thread_local alignas(128) char zeroed[200];
static int constructed;

__attribute__((constructor)) static void construct(void)
{
    constructed = initialised;
}

HL_FUNCTION(i32, Check)
{
    char *heap = hl_sbrk(8192);

    if (constructed != 7 || (uintptr_t)zeroed % 128 || zeroed[199])
        return 1;
    if (!heap || heap[0] || heap[8191])
        return 2;
    heap[8191] = 1;
    return hl_sbrk((size_t)1 << 40) ? 3 : 0;
}

/* Large enough a copy that gcc calls memcpy(). */
HL_FUNCTION(i32, Copy)
{
    static struct {
        int a[500];
    } from = {{1, 2, 3}};
    struct {
        int a[500];
    } to;
    volatile int last = 2;

    __builtin_memcpy(&to, &from, sizeof(to));
    return to.a[last];
}

int main(int argc, char **argv)
{
    hl_print(argc > 1 ? argv[1] : "no argument");
    hl_print("\n");
    return INT_MAX > 0 ? 3 : 1;
}
