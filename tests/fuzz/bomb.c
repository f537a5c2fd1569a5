/* SPDX-License-Identifier: Apache-2.0 */
/* bomb.c - a target with one of each kind of finding, for driver.sh: is each of them found? */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bound.h"
#include "tiny.h"

static void *volatile kept;

static void *resident(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : memset(p, 1, size);
}

/* What chance alone would take a long time for. */
static void deep(const uint8_t *data, size_t size)
{
    if (size > 3 && data[0] == 'd' && data[1] == 'e')
        if (data[2] == 'e')
            if (data[3] == 'p')
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 4 && !memcmp(data, "time", 4))
        for (;;)
            kept = NULL;
    if (size == 5 && !memcmp(data, "alloc", 5))
        kept = malloc(((size_t)FUZZ_MALLOC_MB << 20) + 1);
    if (size == 8 && !memcmp(data, "resident", 8))
        kept = resident((size_t)(FUZZ_RSS_MB + 64) << 20);
    if (size == 4 && !memcmp(data, "leak", 4) && !(kept = malloc(17)))
        abort();
    if (size == 4 && !memcmp(data, "leak", 4))
        kept = NULL;
    if (size == 4 && !memcmp(data, "exit", 4))
        _exit(0);
    deep(data, size);
    free(kept);
    kept = NULL;
    return 0;
}
