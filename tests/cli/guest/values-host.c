/* SPDX-License-Identifier: Apache-2.0 */
/* values-host.c - the host functions of values.c: one that answers, one that fails, one that hangs.
 */
#include <stdlib.h>
#include <unistd.h>

#include <hl/plugin.h>

static int name(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque, (void)args, (void)count, (void)error;
    result->data = "plug-in";
    result->len = 7;
    return 0;
}

static int fail(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque, (void)args, (void)count, (void)result;
    hl_error_set(error, HL_ERR_HOST_FUNCTION, "not today");
    return 42;
}

static int hang(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    (void)opaque, (void)args, (void)count, (void)result, (void)error;
    for (;;)
        pause();
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    while (getenv("PLUGIN_HANGS"))
        pause();
    if (getenv("PLUGIN_GIVES_UP"))
        return hl_error_set(error, HL_ERR_HOST_FUNCTION, "no mood");
    int rc = hl_sandbox_register(sandbox, "HostName", getenv("PLUGIN_LIES") ? "i32()" : "string()",
                                 name, NULL, error);
    if (!rc)
        rc = hl_sandbox_register(sandbox, "HostFail", "i32()", fail, NULL, error);
    return rc ? rc : hl_sandbox_register(sandbox, "HostHang", "void()", hang, NULL, error);
}
