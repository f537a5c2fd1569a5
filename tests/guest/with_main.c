/* SPDX-License-Identifier: Apache-2.0 */
/* A program of its own: what it was given, what it prints, the status it was asked for. */
#include <hl/guest.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv, char **envp)
{
    for (int i = 0; i < argc; i++)
        printf("arg %d: %s\n", i, argv[i]);
    for (int i = 0; envp[i]; i++)
        printf("env %d: %s\n", i, envp[i]);
    if (argv[argc])
        return 99;
    if (argc > 1 && strcmp(argv[1], "fault") == 0)
        __builtin_trap();
    if (argc > 1 && strcmp(argv[1], "exit") == 0)
        exit(5);
    if (argc > 1 && strcmp(argv[1], "abort") == 0)
        abort();
    return argc > 1 ? atoi(argv[1]) : 0;
}
