/* SPDX-License-Identifier: Apache-2.0 */
/* What the two guests ask for: a host that counts characters. */
#include <hl/hl.h>
#include <hl/plugin.h>

static unsigned long characters;

static int host_put(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    (void)opaque, (void)args, (void)count, (void)result, (void)error;
    characters++;
    return 0;
}

static int host_write(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    (void)opaque, (void)count, (void)result, (void)error;
    characters += args[0].len;
    return 0;
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    int rc = hl_sandbox_register(sandbox, "HostPut", "void(u32)", host_put, NULL, error);
    return rc ? rc
              : hl_sandbox_register(sandbox, "HostWrite", "void(bytes)", host_write, NULL, error);
}
