/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int plugin_load(void **plugin, const char *file, struct hl_error *error)
{
    /* Without a slash dlopen() would search the system's directories. */
    char *path;
    if (asprintf(&path, "%s%s", strchr(file, '/') ? "" : "./", file) < 0)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    if (!*plugin) {
        const char *why = dlerror();
        return hl_error_set(error, HL_ERR_FILE, "host plug-in: %s", why ? why : file);
    }
    return 0;
}

int plugin_register(void *plugin, struct hl_sandbox *sandbox, struct hl_error *error)
{
    int (*fn)(struct hl_sandbox *, struct hl_error *);
    void *symbol = dlsym(plugin, "hl_plugin_register");
    if (!symbol) {
        hl_error_set(error, HL_ERR_FILE, "the host plug-in does not define hl_plugin_register()");
        hl_error_hint(error, "see hl/plugin.h");
        return HL_ERR_FILE;
    }
    memcpy(&fn, &symbol, sizeof(fn)); /* ISO C has no cast from object to function pointers */
    struct hl_error own = {0};
    int rc = fn(sandbox, &own);
    if (!rc)
        return 0;
    return hl_error_set(error, HL_ERR_FILE, "the host plug-in failed: %s",
                        own.text[0] ? own.text : "no reason given");
}
