/* SPDX-License-Identifier: Apache-2.0 */
/* trace_stream.h - a trace on standard error, which it shares with all the others. */
#ifndef DEV_TRACE_STREAM_H
#define DEV_TRACE_STREAM_H

#include "trace.h"

/*
 * Give the trace a stream of its own on standard error.  From here on it hears of what hl-dev, a
 * plug-in and the guest print there, and on standard output where that is the same terminal or
 * file: an unfinished line is ended first, and the next one starts a line.  Errors: SYSTEM.
 */
int trace_stream_take(struct trace *trace, struct hl_error *error);
bool trace_stream_give_back(void); /* false: some of the trace could not be written */

#endif
