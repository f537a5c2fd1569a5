/* SPDX-License-Identifier: Apache-2.0 */
/* trace-host.c - a host plug-in that answers, fails, takes its time and talks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hl/plugin.h>

#define FUNCTION(name)                                                                             \
    static int name(void *opaque, const struct hl_value *args, size_t count,                       \
                    struct hl_value *result, struct hl_error *error)
#define UNUSED ((void)opaque, (void)args, (void)count, (void)result, (void)error)

FUNCTION(add)
{
    UNUSED;
    result->i32 = args[0].i32 + args[1].i32;
    return 0;
}

FUNCTION(fail)
{
    UNUSED;
    hl_error_set(error, 7, "no %s today", (const char *)args[0].data);
    return 7;
}

FUNCTION(flip)
{
    static unsigned char data[4096];
    UNUSED;
    for (size_t i = 0; i < args[0].len && i < sizeof(data); i++)
        data[i] = (unsigned char)~((const unsigned char *)args[0].data)[i];
    result->data = data;
    result->len = args[0].len;
    return 0;
}

FUNCTION(sleep_ms)
{
    UNUSED;
    if (args[0].i32 < 0)
        exit(7);
    usleep((useconds_t)args[0].i32 * 1000);
    return 0;
}

FUNCTION(say)
{
    UNUSED;
    fputs(args[0].data, stderr);
    return 0;
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    static const struct {
        const char *name, *signature;
        hl_host_fn *function;
    } all[] = {{"HostAdd", "i32(i32, i32)", add},
               {"HostFail", "string(string)", fail},
               {"HostFlip", "bytes(bytes, bool, f64)", flip},
               {"HostSleep", "void(i32)", sleep_ms},
               {"HostSay", "void(string)", say}};
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        int rc = hl_sandbox_register(sandbox, all[i].name, all[i].signature, all[i].function, NULL,
                                     error);
        if (rc)
            return rc;
    }
    return 0;
}
