/* A guest that does not come to main(): HOW says what its constructor does instead. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

volatile int go, *volatile nowhere;

static void mark(void)
{
}

__attribute__((constructor)) static void constructor(void)
{
    mark();
    if (strcmp(HOW, "segv") == 0)
        *nowhere = 1; /* AT segv */
    if (strcmp(HOW, "abort") == 0)
        abort(); /* AT abort */
    if (strcmp(HOW, "exit") == 0)
        exit(7); /* AT exit */
    int loop = strcmp(HOW, "loop") == 0;
    while (loop && !go) /* AT loop */
        ;
}

int main(void)
{
    puts("main");
    return 0;
}
