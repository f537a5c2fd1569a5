/* SPDX-License-Identifier: Apache-2.0 */
/* The libc as guests find it; each check gives 0, or the line that failed. */
#include <hl/guest.h>

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

static int order[4], orders;
static _Thread_local int tls = 42;
static _Thread_local char tls_zero[100];

__attribute__((constructor(102))) static void second(void)
{
    order[orders++] = 2;
}

__attribute__((constructor(101))) static void first(void)
{
    order[orders++] = tls == 42 ? 1 : 99;
}

HL_FUNCTION(i32, Constructors)
{
    CHECK(orders == 2 && order[0] == 1 && order[1] == 2);
    return 0;
}

HL_FUNCTION(i32, Tls)
{
    CHECK(tls == 42 || tls == 43);
    tls = 43;
    for (size_t i = 0; i < sizeof(tls_zero); i++)
        CHECK(tls_zero[i] == 0);
    return 0;
}

static jmp_buf where;
static int deeper(int n)
{
    if (n == 0)
        longjmp(where, 7);
    return n > 0 ? deeper(n - 1) + 1 : 0;
}

HL_FUNCTION(i32, Setjmp)
{
    volatile int kept = 5;
    int rc = setjmp(where);
    if (rc == 0) {
        kept = 6;
        return deeper(20);
    }
    CHECK(rc == 7 && kept == 6);
    return 0;
}

static int compare(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

HL_FUNCTION(i32, Qsort)
{
    static int numbers[5000];
    unsigned seed = 1;
    for (size_t i = 0; i < 5000; i++)
        numbers[i] = (int)(seed = seed * 1103515245 + 12345);
    qsort(numbers, 5000, sizeof(int), compare);
    for (size_t i = 1; i < 5000; i++)
        CHECK(numbers[i - 1] <= numbers[i]);
    CHECK(bsearch(&numbers[77], numbers, 5000, sizeof(int), compare));
    return 0;
}

HL_FUNCTION(i32, Errno)
{
    errno = 0;
    CHECK(strtol("99999999999999999999", NULL, 10) == 9223372036854775807L && errno == ERANGE);
    errno = 0;
    CHECK(!fopen("/etc/passwd", "r") && errno == ENOENT);
    return 0;
}

HL_FUNCTION(i32, Floats)
{
    char text[64];
    double pi = 4 * atan(1);
    snprintf(text, sizeof(text), "%.17g %.3f %e %a", pi, -0.0005, 1e300, 1.0);
    CHECK(strcmp(text, "3.1415926535897931 -0.001 1.000000e+300 0x1p+0") == 0);
    CHECK(strtod("0x1.8p1", NULL) == 3.0 && strtod("1e-320", NULL) > 0);
    CHECK(isnan(strtod("nan", NULL)) && isinf(strtod("-inf", NULL)));
    CHECK(strtod("3.1415926535897931", NULL) == pi);
    CHECK(fabs(sqrt(2.0) * sqrt(2.0) - 2) < 1e-15 && fabs(sin(pi)) < 1e-15);
    return 0;
}

HL_FUNCTION(i32, MallocStress)
{
    static unsigned char *piece[256];
    static size_t size[256];
    unsigned seed = 12345;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned n = (seed = seed * 1103515245 + 12345) >> 24;
        for (size_t j = 0; j < size[n]; j += 97)
            CHECK(piece[n][j] == n);
        free(piece[n]);
        size[n] = (seed >> 8) % (n % 16 ? 2000 : 200000);
        piece[n] = malloc(size[n]);
        CHECK(piece[n] || !size[n]);
        if (size[n])
            memset(piece[n], (int)n, size[n]);
    }
    for (unsigned n = 0; n < 256; n++) {
        free(piece[n]);
        piece[n] = NULL;
        size[n] = 0;
    }
    return 0;
}

HL_FUNCTION(i32, Realloc)
{
    size_t size = 1000;
    unsigned char *p = malloc(size);
    CHECK(p);
    memset(p, 0x5a, size);
    for (; size < (16u << 20); size *= 2) {
        p = realloc(p, size * 2);
        CHECK(p && p[0] == 0x5a && p[size - 1] == 0x5a);
        memset(p + size, 0x5a, size);
    }
    p = realloc(p, 100000);
    CHECK(p && p[99999] == 0x5a);
    free(p);
    return 0;
}

/* One block that grows a page at a time to most of the heap, and random ones beside each other. */
HL_FUNCTION(i32, Grow)
{
    unsigned char *p = NULL;
    size_t size;
    for (size = 4000; size < (48u << 20); size += 4000 + size / 64) {
        p = realloc(p, size);
        CHECK(p);
        p[0] = 1;
        p[size - 1] = 2;
    }
    CHECK(p && p[0] == 1);
    free(p);
    return 0;
}

HL_FUNCTION(i32, Shuffle)
{
    enum { BLOCKS = 24 };
    unsigned char *block[BLOCKS] = {NULL};
    size_t size[BLOCKS] = {0};
    unsigned seed = 1;
    for (unsigned turn = 0; turn < 600; turn++) {
        seed = seed * 1103515245u + 12345;
        unsigned i = (seed >> 8) % BLOCKS;
        size_t want = (seed >> 4) % 1000000 + 1, same = size[i] < want ? size[i] : want;
        unsigned char *p = realloc(block[i], want);
        CHECK(p);
        for (size_t at = 0; at < same; at += 997)
            CHECK(p[at] == (unsigned char)(at + i));
        for (size_t at = 0; at < want; at += 997)
            p[at] = (unsigned char)(at + i);
        block[i] = p;
        size[i] = want;
    }
    for (unsigned i = 0; i < BLOCKS; i++)
        free(block[i]);
    return 0;
}

/* Memory that was used and freed comes back as zeros from calloc, large pieces and small. */
HL_FUNCTION(i32, Calloc)
{
    static const size_t sizes[] = {100, 5000, 100000, 200000, 1000000, 5000000};
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < 6; i++) {
            unsigned char *p = malloc(sizes[i]);
            CHECK(p);
            memset(p, 0xff, sizes[i]);
            free(p);
            p = calloc(1, sizes[i]);
            CHECK(p);
            for (size_t j = 0; j < sizes[i]; j++)
                CHECK(p[j] == 0);
            free(p);
        }
    return 0;
}

HL_FUNCTION(u64, Random)
{
    uint64_t value = 0;
    return getrandom(&value, sizeof(value), 0) == sizeof(value) ? value : 0;
}

HL_FUNCTION(i64, Time)
{
    return (int64_t)time(NULL);
}

HL_FUNCTION(i32, Clock)
{
    struct timespec a, b, r;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &a) == 0 && clock_gettime(CLOCK_MONOTONIC, &b) == 0);
    CHECK(b.tv_sec > a.tv_sec || (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
    CHECK(clock_getres(CLOCK_REALTIME, &r) == 0 && r.tv_sec == 0 && r.tv_nsec > 0);
    CHECK(clock_gettime(-1, &a) == -1 && errno == EINVAL);
    CHECK(clock_gettime(1000, &a) == -1 && errno == EINVAL);
    return 0;
}

HL_FUNCTION(i32, Large)
{
    volatile char large[700000];
    for (size_t i = 0; i < sizeof(large); i += 1000)
        large[i] = 1;
    return large[1000] - 1;
}
