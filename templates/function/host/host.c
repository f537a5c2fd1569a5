/*
 * host.c - the host's side: functions that the guest may call, and nothing else of the host.
 *
 * Built as build/host.so, which hl-dev loads (`host =` in hl.ini), and linked into the tests.  A
 * host of your own does the same: hl_plugin_register(sandbox, &error) before hl_sandbox_start().
 */
#include <string.h>

#include <hl/plugin.h>

static const struct {
    const char *country, *city;
} capitals[] = {
    {"France", "Paris"},
    {"Japan", "Tokyo"},
    {"Kenya", "Nairobi"},
    {"Peru", "Lima"},
};

/* Arguments have been checked against the signature, but what they say is the guest's choice. */
static int host_capital(void *opaque, const struct hl_value *args, size_t count,
                        struct hl_value *result, struct hl_error *error)
{
    const char *country = args[0].data;

    (void)opaque;
    (void)count;
    for (size_t i = 0; i < sizeof(capitals) / sizeof(capitals[0]); i++) {
        if (strcmp(country, capitals[i].country))
            continue;
        *result = hl_string(capitals[i].city);
        return 0;
    }
    return hl_error_set(error, HL_ERR_HOST_FUNCTION, "no capital is known of %s", country);
}

int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error)
{
    return hl_sandbox_register(sandbox, "HostCapital", "string(string)", host_capital, NULL, error);
}
