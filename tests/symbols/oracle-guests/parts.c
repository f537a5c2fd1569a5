/* Functions in parts: cold ones, clones, nested ones, one that runs into the next, two sections. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

struct point {
    int x, y;
};

static __attribute__((noinline, cold)) void complain(const char *text, int n)
{
    fprintf(stderr, "%s %d\n", text, n);
    abort();
}

static inline int checked(int n, int limit)
{
    if (__builtin_expect(n > limit, 0))
        complain("too large", n);
    return n * 3;
}

static __attribute__((noinline)) int clone_me(const struct point *p, int scale, int unused)
{
    int sum = 0;

    (void)unused;
    for (int i = 0; i < scale; i++)
        sum += clamp(checked(p->x + i, 1000) + p->y, 0, 900);
    return sum;
}

static int factorial(int n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

int __attribute__((section(".text.elsewhere"))) elsewhere(int n)
{
    return clamp(checked(n, 50), 1, 60) + factorial(n);
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

#ifndef __clang__
static int nested(int n)
{
    int total = 0;

    void add(int v)
    {
        total += clamp(v, 0, 9);
    }
    void __attribute__((noinline)) add_all(int from)
    {
        for (int i = from; i < n; i++)
            add(i);
    }
    add_all(1);
    return total;
}
#else
static int nested(int n)
{
    return n;
}
#endif

int main(int argc, char **argv)
{
    struct point p = {argc, (int)strlen(argv[0])};
    int numbers[] = {5, 3, argc, 8};

    qsort(numbers, 4, sizeof(*numbers), compare);
    switch (argc) {
    case 1:
        printf("%d\n", clone_me(&p, 4, 1));
        break;
    case 2:
        printf("%d\n", elsewhere(argc));
        break;
    case 3:
        printf("%d\n", nested(argc));
        break;
    default:
        complain("arguments", argc);
    }
    return numbers[0] + other_unit(argc);
}
