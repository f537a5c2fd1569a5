/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - the shared object with host functions (hl/plugin.h). */
#ifndef DEV_PLUGIN_H
#define DEV_PLUGIN_H

#include <hl/hl.h>

/* dlclose() it.  Errors: FILE, MEMORY. */
int plugin_load(void **plugin, const char *file, struct hl_error *error);
/* Its functions are the sandbox's. */
int plugin_register(void *plugin, struct hl_sandbox *sandbox, struct hl_error *error);

#endif
