/* SPDX-License-Identifier: Apache-2.0 */
/* gdb.h - gdb itself: where it is, how it is started, when it ends. */
#ifndef DEV_GDB_H
#define DEV_GDB_H

#include "session.h"

struct gdb_run;

/* The program: $GDB, else gdb on PATH; free() it.  Errors: FILE. */
int gdb_find(char **program, struct hl_error *error);

/* The toolkit's file of helpers for gdb, NULL where it has none; free() it. */
char *gdb_helpers(void);

/*
 * Arguments that connect it: guest and init may be NULL; free() the vector alone.  command is kept
 * in it and must live as long.
 */
char **gdb_arguments(char *program, const char *guest, const char *init, char *command, char **args,
                     int arg_count);

/*
 * hl-dev debug.  prepare() before anything is built; start() once the debugger is served: from then
 * on gdb runs in this terminal, and its end is the session's.  wait() lets it end by itself; its
 * status, or -1 where it was never started.
 */
int gdb_run_prepare(struct gdb_run **run, struct hl_error *error);
int gdb_run_start(struct session *session, struct hl_error *error);
int gdb_run_wait(struct gdb_run *run);
void gdb_run_free(struct gdb_run *run);

#endif
