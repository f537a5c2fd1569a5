/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/plugin.h - a shared object that offers host functions (`host =` in hl.ini, `--host FILE`).
 *
 * It defines the one function below, calls hl_sandbox_register() in it, and is built without
 * linking libhl: the program that loads it provides the symbols.
 */
#ifndef HL_PLUGIN_H
#define HL_PLUGIN_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called once for each new sandbox, before it is started.  0, or a negative enum hl_err with *error
 * filled: the run is given up with that message.
 */
HL_API int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
