#include "parts.h"

#define TWICE(x) ((x) + (x))

static inline int deepest(int n)
{
    return clamp(n, 1, 7) + TWICE(n);
}
static inline int deeper(int n)
{
    return deepest(n) * deepest(n + 1);
}
static inline int deep(int n)
{
    return deeper(n) - deeper(-n);
}

#line 500 "generated/from.y"
int other_unit(int n)
{
    int sum = 0;

    for (volatile int i = 0; i < n; i++)
        sum += deep(i);
    return sum;
}
