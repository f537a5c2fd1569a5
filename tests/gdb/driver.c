/* SPDX-License-Identifier: Apache-2.0 */
/*
 * driver [-achr] [-s DIRECTORY] ENDPOINT GUEST CALL...: a host program whose sandbox can be
 * debugged. -a  attachable only: do not wait; quitting GDB lets the guest run on -s  the host
 * function stays, once: it opens the FIFO `entered`, and waits for the FIFO `go` -r  a second round
 * of calls, after a line on stdin CALL is Work, Other, Sum, Spin, Copy or main.  Prints what
 * `target remote` wants, then each result; with an endpoint `stdio` on standard error.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/debug.h>
#include <hl/hl.h>
#include <hl/symbols.h>

static struct hl_sandbox *sandbox;
static hl_gva_t cells;
static const char *stays; /* NULL: it does not, or no longer */
static FILE *report;

/* Opening one end of a FIFO waits for the other. */
static void pass(const char *directory, const char *fifo, int flags)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", directory, fifo);
    close(open(path, flags | O_CLOEXEC));
}

static int host_poke(void *opaque, const struct hl_value *args, size_t count,
                     struct hl_value *result, struct hl_error *error)
{
    int32_t x = args[0].i32;
    (void)opaque, (void)count, (void)error;
    if (cells)
        hl_machine_write(hl_sandbox_machine(sandbox), cells, &x, sizeof(x), 0);
    fprintf(report, "in HostPoke\n");
    if (stays) {
        pass(stays, "entered", O_WRONLY);
        pass(stays, "go", O_RDONLY);
        stays = NULL;
    }
    result->i32 = 100;
    return 0;
}

static int fail(const struct hl_error *error)
{
    fprintf(stderr, "driver: %s\n", error->text);
    return 100;
}

static int call(const char *name, struct hl_error *error)
{
    struct hl_value args[2] = {hl_i32(3), hl_i32(10)}, result;
    size_t count = !strcmp(name, "Work")                            ? 2
                   : !strcmp(name, "Spin") || !strcmp(name, "Copy") ? 0
                                                                    : 1;
    int status = 0, rc;
    if (!strcmp(name, "main")) {
        rc = hl_sandbox_main(sandbox, &status, error);
        result.i32 = status;
    } else {
        rc = hl_sandbox_call(sandbox, name, args, count, &result, error);
    }
    if (rc)
        fprintf(report, "%s: %s\n", name, error->text);
    else
        fprintf(report, "%s = %d\n", name, result.i32);
    return rc;
}

static int calls(char **names, struct hl_error *error)
{
    int rc = 0;
    for (; *names && !rc; names++)
        rc = call(*names, error);
    return rc;
}

int main(int argc, char **argv)
{
    struct hl_debug_config config = {.hold = HL_HOLD_ENTRY, .created = true};
    struct hl_image *image;
    struct hl_symbols *symbols;
    struct hl_error error;
    bool rounds = false;
    int option, rc;

    while ((option = getopt(argc, argv, "+ars:")) >= 0) {
        if (option == 'a')
            config = (struct hl_debug_config)HL_DEBUG_CONFIG_INIT;
        rounds |= option == 'r';
        stays = option == 's' ? optarg : stays;
    }
    argv += optind;
    if (argc - optind < 2)
        return 64;
    report = strcmp(argv[0], "stdio") ? stdout : stderr;
    setvbuf(report, NULL, _IOLBF, 0);
    if (hl_image_open(&image, argv[1], &error) ||
        hl_sandbox_create(&sandbox, image, NULL, &error) ||
        hl_symbols_open(&symbols, image, &error) ||
        hl_sandbox_register(sandbox, "HostPoke", "i32(i32)", host_poke, NULL, &error) ||
        hl_sandbox_debug(sandbox, argv[0], &config, &error))
        return fail(&error);
    cells = hl_symbols_address(symbols, "cells");
    fprintf(report, "%s\n", hl_sandbox_debug_remote(sandbox));
    rc = hl_sandbox_start(sandbox, &error);
    do {
        if (!rc)
            rc = calls(argv + 2, &error);
        if (rounds)
            (void)getchar();
        if (rounds && !rc)
            rc = calls(argv + 2, &error);
        if (rc == HL_ERR_INTERRUPTED && hl_sandbox_debug_wish(sandbox) == HL_DEBUG_RESTARTED)
            rc = 0;
        else if (hl_sandbox_debug_finish(sandbox, rc ? 1 : 0) == 0)
            break;
        hl_sandbox_debug_wish(sandbox);
        rc = 0;
        fprintf(report, "again\n");
    } while (true);
    hl_sandbox_destroy(sandbox);
    hl_symbols_close(symbols);
    hl_image_close(image);
    return 0;
}
