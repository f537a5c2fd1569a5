/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/plugin.h - a shared object that offers host functions (`host =` in hl.ini, `--host FILE`).
 *
 * It defines the function below, which calls hl_sandbox_register().  It is not linked against
 * libhl: the program that loads it provides the symbols.
 */
#ifndef HL_PLUGIN_H
#define HL_PLUGIN_H

#include <hl/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Called once for each new sandbox, before it is started.  Returns 0, or a negative enum hl_err
 * with *error filled; then the run fails with that message.
 */
HL_API int hl_plugin_register(struct hl_sandbox *sandbox, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
