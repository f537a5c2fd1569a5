// SPDX-License-Identifier: Apache-2.0
/* What needs the libc: stdio, malloc, TLS, constructors, destructors, setjmp, qsort, math. */
#include <hl/guest.h>

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int constructed;
static _Thread_local int local = 42;
static jmp_buf jump;

__attribute__((constructor)) static void construct(void)
{
    constructed = 1;
    printf("constructed\n");
}

__attribute__((destructor)) static void destruct(void)
{
    printf("destructed\n");
}

static int compare(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

HL_FUNCTION(string, Greet, (string, name))
{
    printf("greeting %s\n", name);
    return hl_format("Hello, %s!", name);
}

HL_FUNCTION(i32, Check)
{
    int numbers[] = {3, 1, 2};
    char *heap = malloc(100000);

    qsort(numbers, 3, sizeof(numbers[0]), compare);
    if (!constructed || local++ < 42 || !heap || numbers[0] != 1 || numbers[2] != 3)
        return 1;
    memset(heap, 1, 100000);
    free(heap);
    errno = 0;
    if (strtol("99999999999999999999", NULL, 10) != 9223372036854775807 || errno != ERANGE)
        return 2;
    if (setjmp(jump) == 0)
        longjmp(jump, 1);
    return sqrt(16.0) > 3.9 && pow(2.0, (double)numbers[1]) > 3.9 ? 0 : 3;
}

int main(int argc, char **argv)
{
    printf("main %d %s\n", argc, argc > 1 ? argv[1] : "-");
    return 3;
}
