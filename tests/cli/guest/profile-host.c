/* SPDX-License-Identifier: Apache-2.0 */
/* Host functions of tests/guest/exits.c; HostSlow(0) never returns, HostSlow(1) ends the program.
 */
#include <hl/hl.h>
#include <hl/plugin.h>

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int add(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
               struct hl_error *error)
{
    (void)opaque;
    (void)count;
    (void)error;
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

static int tick(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque;
    (void)args;
    (void)count;
    (void)result;
    (void)error;
    return 0;
}

static int slow(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    const struct timespec t = {args[0].u32 / 1000000, args[0].u32 % 1000000 * 1000l};
    (void)opaque;
    (void)count;
    (void)result;
    (void)error;
    if (args[0].u32 == 1)
        exit(7);
    if (args[0].u32 == 2 && fork() == 0)
        exit(7);
    nanosleep(&t, NULL);
    for (; !args[0].u32;)
        pause();
    return 0;
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    int rc = hl_sandbox_register(sandbox, "HostAdd", "i32(i32, i32)", add, NULL, error);
    if (!rc)
        rc = hl_sandbox_register(sandbox, "HostTick", "void()", tick, NULL, error);
    if (!rc)
        rc = hl_sandbox_register(sandbox, "HostSlow", "void(u32)", slow, NULL, error);
    return rc;
}
