/* Functions with prologues of every kind, for a debugger to stop after. */
#include <hl/guest.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile int sink;

int nothing(void)
{
    return 1;
}

void empty(void)
{
}

__attribute__((noinline)) int arguments(int a, double b, const char *c, long d, long e, long f,
                                        long g, long h)
{
    return a + (int)b + *c + (int)(d + e + f + g + h);
}

__attribute__((noinline)) int large_frame(int n)
{
    volatile char buffer[50000];

    buffer[n] = 1;
    sink = buffer[n / 2];
    return sink;
}

__attribute__((noinline)) int aligned(int n)
{
    _Alignas(64) volatile char buffer[256];

    buffer[n] = (char)n;
    return buffer[n] + (int)((unsigned long)&buffer[0] & 63);
}

__attribute__((noinline)) int dynamic(int n)
{
    volatile char buffer[n + 1];

    buffer[n] = 3;
    return buffer[n];
}

__attribute__((noinline)) int varying(int n, ...)
{
    va_list ap;
    int sum = 0;

    va_start(ap, n);
    while (n-- > 0)
        sum += va_arg(ap, int);
    va_end(ap);
    return sum;
}

__attribute__((noinline)) int loop_first(int n)
{
    for (;;) {
        if (n-- < 0)
            return sink;
        sink += n;
    }
}

/* clang-format off */
__attribute__((noinline)) int one_line(int n) { return sink + n; }
/* clang-format on */

static int helper(int n)
{
    return n * sink;
}

HL_FUNCTION(i32, Add, (i32, a), (i32, b))
{
    return a + b + helper(a);
}

HL_FUNCTION(string, Shout, (string, text))
{
    size_t n = strlen(text);

    return n ? hl_format("%s!", text) : NULL;
}

HL_FUNCTION(void, Nothing)
{
}

HL_FUNCTION_NAMED("math/half", f64, half, (f64, x))
{
    return x / 2;
}

int main(int argc, char **argv)
{
    char *copy = strdup(argv[0]);

    sink = nothing() + arguments(argc, 1.5, copy, 1, 2, 3, 4, 5) + large_frame(argc) +
           aligned(argc) + dynamic(argc) + varying(2, 1, 2) + loop_first(3) + one_line(2) +
           helper(argc);
    empty();
    printf("%d\n", sink);
    free(copy);
    return 0;
}
