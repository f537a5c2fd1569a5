/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host function of faults.c, for hl-dev run --host.  With HL_TEST_ENTERED and HL_TEST_GO it
 * says when it is called, by opening the one FIFO, and returns when the other one is written.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <hl/plugin.h>

static void wait_for_go(const char *entered, const char *go)
{
    char byte;
    int fd = open(entered, O_WRONLY | O_CLOEXEC);
    close(fd);
    fd = open(go, O_RDONLY | O_CLOEXEC);
    while (read(fd, &byte, 1) > 0)
        ;
    close(fd);
}

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    const char *entered = getenv("HL_TEST_ENTERED"), *go = getenv("HL_TEST_GO");
    (void)opaque, (void)count, (void)error;
    if (entered && go)
        wait_for_go(entered, go);
    result->i32 = args[0].i32 + (int32_t)args[2].len;
    return 0;
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    return hl_sandbox_register(sandbox, "HostAdd", "i32(i32, string, bytes)", host_add, NULL,
                               error);
}
