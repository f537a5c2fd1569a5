/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server [-1ck] ENDPOINT PROGRAM [ARG...]: a native process under the stub.
 *   -1  end when the first debugger has gone    -c  its output to the debugger's console
 *   -k  a debugger that quits kills it          -n  no auxv: the load address comes by qOffsets
 * Prints what `target remote` wants.  A line on standard input (or its end) ends it, except with
 * stdio.
 */
#include "ptrace_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/gdb.h>

static struct pt pt;

static int say(void *target, const char *args, struct gdb_printer *printer)
{
    (void)target;
    if (!*args)
        return HL_ERR_ARGUMENT;
    printer->print(printer, args, strlen(args));
    printer->print(printer, "\n", 1);
    return 0;
}

static const struct gdb_monitor monitors[] = {{"say", "TEXT", "print TEXT", say},
                                              {"say twice", NULL, "a longer name wins", say}};

static bool once, has_stdio;
static struct hl_gdb *gdb;

static void *wait_for_end(void *unused)
{
    char c;

    if (once || has_stdio)
        hl_gdb_wait_gone(gdb, -1);
    else
        (void)!read(STDIN_FILENO, &c, 1);
    hl_gdb_destroy(gdb);
    pt_quit(&pt);
    return unused;
}

int main(int argc, char **argv)
{
    const struct gdb_feature *features[] = {
        &gdb_amd64_core,   &gdb_amd64_sse, &gdb_amd64_linux, &gdb_amd64_segments,
        &gdb_amd64_system, &gdb_amd64_avx, &gdb_amd64_avx512};
    struct gdb_description description = {"i386:x86-64",
                                          "GNU/Linux",
                                          "x86_64-pc-linux",
                                          features,
                                          5,
                                          gdb_amd64_expedite,
                                          GDB_AMD64_EXPEDITE_COUNT,
                                          GDB_AMD64_RIP,
                                          GDB_AMD64_PLAIN};
    struct gdb_target target = {.ops = &pt_ops,
                                .self = &pt,
                                .description = &description,
                                .monitors = monitors,
                                .monitor_count = 2,
                                .points = 31,
                                .objects = 1u << GDB_OBJECT_AUXV | 1u << GDB_OBJECT_SIGINFO,
                                .range_step = true,
                                .name = "native"};
    bool capture = false;
    struct hl_error error;
    pthread_t thread;
    int option;

    while ((option = getopt(argc, argv, "+1ckn")) >= 0) {
        once |= option == '1';
        capture |= option == 'c';
        target.created |= option == 'k';
        if (option == 'n')
            target.objects &= ~(1u << GDB_OBJECT_AUXV);
    }
    if (argc - optind < 2)
        return 64;
    has_stdio = !strcmp(argv[optind], "stdio");
    __builtin_cpu_init();
    description.feature_count += __builtin_cpu_supports("avx") ? 1 : 0;
    description.feature_count += __builtin_cpu_supports("avx512f") ? 1 : 0;
    if (pt_init(&pt, argv + optind + 1, capture)) {
        perror(argv[optind + 1]);
        return 100;
    }
    pt.tracer = pthread_self();
    if (hl_gdb_create(&gdb, &target, argv[optind], NULL, &error)) {
        fprintf(stderr, "server: %s\n", error.text);
        return 100;
    }
    if (!has_stdio) {
        printf("%s\n", hl_gdb_remote(gdb));
        fflush(stdout);
    }
    pthread_create(&thread, NULL, wait_for_end, NULL);
    pt_run(&pt);
    pthread_join(thread, NULL);
    pt_free(&pt);
    return 0;
}
