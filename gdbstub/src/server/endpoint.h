/* SPDX-License-Identifier: Apache-2.0 */
/* endpoint.h - where a server listens. */
#ifndef GDB_ENDPOINT_H
#define GDB_ENDPOINT_H

#include <sys/types.h>

#include <hl/gdb.h>

#define GDB_ENDPOINT_ROOM 256

struct gdb_endpoint {
    int listener; /* -1 for stdio */
    int in, out;  /* stdio */
    bool tcp;
    char *path;   /* unix: to be unlinked */
    dev_t device; /* of the socket we made: another one at that path stays */
    ino_t inode;
    char text[GDB_ENDPOINT_ROOM];   /* "tcp:127.0.0.1:40123" */
    char remote[GDB_ENDPOINT_ROOM]; /* "127.0.0.1:40123" */
};

int gdb_endpoint_open(struct gdb_endpoint *e, const char *endpoint,
                      const struct hl_gdb_config *config, struct hl_error *error);
void gdb_endpoint_close(struct gdb_endpoint *e);
void gdb_endpoint_forget(struct gdb_endpoint *e); /* in a child: the parent goes on with it */

int gdb_fail(struct hl_error *error, int code, int sys_errno, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
