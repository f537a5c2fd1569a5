/* SPDX-License-Identifier: Apache-2.0 */
/* debugger.h - --gdb, --stop-at: serve a debugger, and have the guest wait for it. */
#ifndef DEV_DEBUGGER_H
#define DEV_DEBUGGER_H

#include "session.h"

/* --gdb=stdio: from here on nothing but the debugger's protocol is on the standard streams. */
int debugger_take_streams(struct session *session, struct hl_error *error);

/* Between create and start. */
int debugger_serve(struct session *session, struct hl_error *error);

/* What to type, on stderr. */
int debugger_announce(struct session *session, struct hl_error *error);

/* What the guest prints is on the debugger's console already. */
bool debugger_has_console(const struct session *session);

#endif
