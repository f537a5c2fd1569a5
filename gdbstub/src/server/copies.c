/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/copies.c - closes the sockets of the parent's servers in a child of fork().
 *
 * No thread serves them there.  After the parent's death, a copy of the listener would hold the
 * port and accept connections that no thread answers, and a copy of a client's socket would hide
 * from the debugger that its guest is gone.  A child that is made otherwise (by a bare clone())
 * keeps the sockets, so the parent shuts down what it closes itself.
 */
#include "server.h"

#include <sys/socket.h>
#include <unistd.h>

/* A fork waits for a thread that is between getting a descriptor and noting it down. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct hl_gdb *servers;

void gdb_copies_add(struct hl_gdb *g)
{
    pthread_mutex_lock(&lock);
    g->next = servers;
    servers = g;
    pthread_mutex_unlock(&lock);
}

void gdb_copies_remove(struct hl_gdb *g)
{
    pthread_mutex_lock(&lock);
    for (struct hl_gdb **at = &servers; *at; at = &(*at)->next) {
        if (*at == g) {
            *at = g->next;
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

int gdb_client_accept(struct hl_gdb *g)
{
    pthread_mutex_lock(&lock);
    g->coming = accept4(g->endpoint.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    pthread_mutex_unlock(&lock);
    return g->coming;
}

void gdb_client_take(struct hl_gdb *g)
{
    pthread_mutex_lock(&lock);
    g->in = g->out = g->coming;
    g->coming = -1;
    pthread_mutex_unlock(&lock);
}

void gdb_client_close(struct hl_gdb *g)
{
    pthread_mutex_lock(&lock);
    shutdown(g->in, SHUT_RDWR);
    close(g->in);
    g->in = g->out = -1;
    pthread_mutex_unlock(&lock);
}

static void close_copy(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
    for (struct hl_gdb *g = servers; g; g = g->next) {
        if (g->endpoint.listener < 0)
            continue; /* stdio is the program's, and its children's */
        close_copy(&g->coming);
        close_copy(&g->in);
        g->out = -1;
        close_copy(&g->endpoint.listener);
    }
    servers = NULL;
    pthread_mutex_unlock(&lock); /* its owner is the thread that forked: this one */
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(before_fork, in_parent, in_child);
}
