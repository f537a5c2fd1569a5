/* SPDX-License-Identifier: Apache-2.0 */
/* calls.h - calling the guest in a session, and saying what came of it. */
#ifndef DEV_CALLS_H
#define DEV_CALLS_H

#include "session.h"

/*
 * Start a sandbox, make the calls, or run main(), and print what comes of it; into document what
 * --json wants.
 */
int session_calls(struct session *session, json_t *document);
/* Times and counts, for --verbose. */
double session_now_ms(void);
void session_print_counts(const struct session *session, double ms);
/* Say why a session could not go on; the status. */
int session_failed(struct session *session, struct hl_error *error, json_t *document);

#endif
