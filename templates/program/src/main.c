/*
 * main.c - an ordinary C program, which hl-cc makes a guest for a micro-VM.
 *
 * It has a libc (musl), memory, arguments, stdout and stderr; no files, processes, threads or
 * network.  What it returns is the exit status of `hl-dev run`.
 */
#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc > 2) {
        fprintf(stderr, "usage: {{name}} [NAME]\n");
        return 2;
    }
    printf("Hello, %s!\n", argc == 2 ? argv[1] : "world");
    return 0;
}
