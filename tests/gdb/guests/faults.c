/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that fails in the way it is asked to, two functions deep. */
#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/guest.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, number), (string, text), (bytes, data));

static const int constant = 1;
static volatile int zero;

static int compare(const void *a, const void *b)
{
    if (*(const int *)a == 3)
        raise(SIGUSR1);
    return *(const int *)a - *(const int *)b;
}

static int sort(void)
{
    int numbers[] = {5, 4, 3, 2, 1};
    qsort(numbers, 5, sizeof(int), compare);
    return numbers[0];
}

__attribute__((noinline)) static int overflow(volatile char *above)
{
    volatile char big[1000];
    big[0] = above[0];
    return overflow(big) + big[0];
}

__attribute__((noinline)) static void smash(char *at)
{
    char small[8];
    memcpy(small, "0123456789abcdef0123456789abcdef", 24 + (size_t)zero);
    at[0] = small[zero];
}

/* Something in the registers that only SSE and AVX have; then a trap. */
static void vectors(void)
{
    static const double pair[4] = {1.5, -2.5, 3.25, 4.125};
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vmovupd %0, %%ymm4" : : "m"(pair));
    __asm__ volatile("movupd %0, %%xmm3\n\tfldpi\n\tint3\n\tfstp %%st(0)"
                     :
                     : "m"(pair)
                     : "xmm3", "xmm4");
}

static char *bad(void)
{
    return (char *)(0x77ull + (unsigned)zero);
}

__attribute__((noinline)) static int deeper(const char *how, int n)
{
    char text[16] = "";
    if (!strcmp(how, "abort"))
        abort();
    if (!strcmp(how, "assert"))
        assert(n == 42);
    if (!strcmp(how, "segv"))
        *(volatile int *)0x10 = 1;
    if (!strcmp(how, "read-only"))
        *(volatile int *)&constant = 2;
    if (!strcmp(how, "non-canonical"))
        n = *(volatile int *)(0x1234567890abcdefull + (unsigned)zero);
    if (!strcmp(how, "fpe"))
        n = 7 / zero;
    if (!strcmp(how, "ill"))
        __builtin_trap();
    if (!strcmp(how, "trap"))
        __asm__ volatile("int3");
    if (!strcmp(how, "hl_abort"))
        hl_abort(7, "it had enough");
    if (!strcmp(how, "jump"))
        ((void (*)(void))(uintptr_t)(0x1234 + zero))();
    if (!strcmp(how, "overflow"))
        n = overflow(text);
    if (!strcmp(how, "smash"))
        smash(text);
    if (!strcmp(how, "raise"))
        raise(SIGUSR1);
    if (!strcmp(how, "sort"))
        n = sort();
    if (!strcmp(how, "strlen"))
        n = (int)strlen(bad());
    if (!strcmp(how, "printf"))
        n = printf("%5d %s\n", n, bad());
    if (!strcmp(how, "free"))
        free(text + 1);
    if (!strcmp(how, "vectors"))
        vectors();
    return n + text[0];
}

HL_FUNCTION(i32, Fault, (string, how), (i32, n))
{
    return deeper(how, n) + 1;
}

HL_FUNCTION(i32, Ask, (i32, n))
{
    const unsigned char three[] = {1, 2, 0xff};
    return HostAdd(n, "say \"hello\"\n", hl_bytes_of(three, sizeof(three))) + 1;
}

/* Much of musl, for a debugger to walk through. */
HL_FUNCTION(i32, Library)
{
    char text[100], *more;
    int numbers[] = {9, 8, 7, 6, 5, 4};
    qsort(numbers, 6, sizeof(int), compare);
    snprintf(text, sizeof(text), "%d %s %x %.2f", numbers[0], "text", 255, 0.5);
    more = realloc(malloc(50), 5000);
    free(more);
    return numbers[0] + (int)strlen(text) + (int)strtod("12.5e1", NULL) + atoi("7");
}

static void __attribute__((constructor)) early(void)
{
    if (getenv("never"))
        abort();
}

static void __attribute__((destructor)) late(void)
{
    if (zero)
        abort();
}

int main(int argc, char **argv)
{
    puts("in main");
    return deeper(argc > 1 ? argv[1] : "", 0);
}
