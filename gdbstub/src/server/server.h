/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GDB_SERVER_H
#define GDB_SERVER_H

#include <poll.h>

#include "endpoint.h"
#include "stub.h"

#define HL_GDB_REFUSED 4
#define HL_GDB_MUTE_MS 5000     /* a client that says nothing for so long makes room for another */
#define HL_GDB_REFUSE_MS 1000   /* how long a refused one may take to listen */
#define HL_GDB_PATIENCE_MS 1000 /* how long one waits for its first stop */

/* Clients that cannot be served: they are given the reason when they speak, or after a while. */
struct gdb_refused {
    struct {
        int fd; /* slots in use stand first */
        int64_t until;
        const char *why;
        bool answered;
    } one[HL_GDB_REFUSED];
    size_t count;
};

void gdb_refuse_add(struct gdb_refused *refused, int fd, const char *why);
size_t gdb_refuse_prepare(const struct gdb_refused *refused, struct pollfd *fds);
int gdb_refuse_timeout(const struct gdb_refused *refused);
void gdb_refuse_serve(struct gdb_refused *refused, const struct pollfd *fds, size_t count);
void gdb_refuse_free(struct gdb_refused *refused);
int64_t gdb_now_ms(void);

/*
 * Why the client at the other end of this TCP connection is refused: another user of this machine
 * opened it, or its user cannot be determined.  NULL: it is accepted.  Only for loopback addresses,
 * and only if /proc is mounted.
 */
const char *gdb_peer_refusal(int fd);

struct hl_gdb {
    struct gdb_session session;
    struct gdb_endpoint endpoint;
    struct gdb_refused refused;
    int event_fd;
    int in, out;     /* the client, or -1 */
    int coming;      /* a connection to be accepted or refused */
    int64_t since;   /* it connected */
    int64_t closing; /* until when it may read our last reply; 0: not closing */
    int64_t hasten;  /* when the guest is broken in for its first stop; 0: none is due */
    pid_t process;   /* that created it: a child of fork() does not have the thread */
    pthread_t thread;
    _Atomic bool quit, attached;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool gone;           /* a debugger has been here and left */
    struct hl_gdb *next; /* server/copies.c */
    uint8_t buffer[65536];
};

/* server/copies.c: the list of servers, and all that opens and closes a client's socket. */
void gdb_copies_add(struct hl_gdb *g);
void gdb_copies_remove(struct hl_gdb *g);
int gdb_client_accept(struct hl_gdb *g); /* g->coming */
void gdb_client_take(struct hl_gdb *g);  /* that is the client now */
void gdb_client_close(struct hl_gdb *g);

#endif
