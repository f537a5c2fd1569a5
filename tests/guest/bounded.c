/* SPDX-License-Identifier: Apache-2.0 */
/* flags: --freestanding
 * Work that the host does for the guest, as much of it as the guest asks for. */
#include <hl/guest.h>

#define P 4096ul
#define ARGS 16
#define EACH (4ul << 20)

enum { MAP = 9, PROTECT = 10, UNMAP = 11, BRK = 12, REMAP = 25, ADVISE = 28, WRITE = 1 };

HL_HOST_FUNCTION(void, Nobody, (bytes, a), (bytes, b), (bytes, c), (bytes, d), (bytes, e),
                 (bytes, f), (bytes, g), (bytes, h), (bytes, i), (bytes, j), (bytes, k), (bytes, l),
                 (bytes, m), (bytes, n), (bytes, o), (bytes, p));
HL_HOST_FUNCTION(void, Somebody, (bytes, a), (bytes, b), (bytes, c), (bytes, d), (bytes, e),
                 (bytes, f), (bytes, g), (bytes, h), (bytes, i), (bytes, j), (bytes, k), (bytes, l),
                 (bytes, m), (bytes, n), (bytes, o), (bytes, p));

static uint8_t big[ARGS * EACH];

static long sys(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    register uint64_t r10 __asm__("r10") = d;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static uint64_t heap(void)
{
    return hl_boot()->heap;
}

static uint64_t size(void)
{
    return hl_boot()->heap_size;
}

/* All of the heap, and of each `period` pages the first one taken away again. */
HL_FUNCTION(i64, Prepare, (u64, period))
{
    long rc = sys(MAP, heap(), size(), 3, 0x32);
    for (uint64_t i = 0; period && i < size() / P; i += period)
        sys(UNMAP, heap() + i * P, P, 0, 0);
    return rc;
}

HL_FUNCTION(i64, MapAll)
{
    return sys(MAP, heap(), size(), 3, 0x32);
}

HL_FUNCTION(i64, MapAnywhere)
{
    return sys(MAP, 0, size() / 4, 3, 0x22);
}

HL_FUNCTION(i64, UnmapAll)
{
    return sys(UNMAP, heap(), size(), 0, 0);
}

HL_FUNCTION(i64, Close)
{
    return sys(PROTECT, heap(), size(), 0, 0);
}

HL_FUNCTION(i64, Open)
{
    return sys(PROTECT, heap(), size(), 3, 0);
}

HL_FUNCTION(i64, DontNeed)
{
    return sys(ADVISE, heap(), size(), 4, 0);
}

HL_FUNCTION(i64, Grow)
{
    return sys(BRK, heap() + size() / 2, 0, 0, 0);
}

HL_FUNCTION(i64, Shrink)
{
    return sys(BRK, heap() + P, 0, 0, 0);
}

static uint64_t block;

/* A block of a quarter of the heap that has to move to grow; a few pages of it are not zeros. */
HL_FUNCTION(i64, Block)
{
    sys(UNMAP, heap(), size(), 0, 0);
    block = heap() + size() / 4;
    long rc = sys(MAP, block, size() / 4, 3, 0x32);
    sys(MAP, block + size() / 4, P, 3, 0x32);
    sys(MAP, block - P, P, 3, 0x32);
    for (uint64_t i = 0; i < size() / 4; i += size() / 16)
        *(uint64_t *)(block + i) = i + 1;
    return rc;
}

HL_FUNCTION(i64, Move)
{
    uint64_t to = (uint64_t)sys(REMAP, block, size() / 4, size() / 4 + P, 1);
    for (uint64_t i = 0; i < size() / 4; i += P)
        if (*(uint64_t *)(to + i) != (i % (size() / 16) ? 0 : i + 1))
            return -1;
    return 0;
}

HL_FUNCTION(i64, Print)
{
    return sys(WRITE, 1, (uint64_t)big, 1 << 20, 0);
}

HL_FUNCTION(bytes, Result)
{
    return hl_bytes_of(big, sizeof(big));
}

HL_FUNCTION(void, AskNobody)
{
    struct hl_bytes b = hl_bytes_of(big, EACH);
    Nobody(b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b);
}

HL_FUNCTION(void, AskSomebody)
{
    struct hl_bytes b = hl_bytes_of(big, EACH);
    Somebody(b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b);
}

HL_FUNCTION(u64, Take, (bytes, b))
{
    return b.len;
}

/* Without end. */
HL_FUNCTION(void, OpenAndClose)
{
    for (;;) {
        sys(PROTECT, heap(), size(), 1, 0);
        sys(PROTECT, heap(), size(), 3, 0);
    }
}
