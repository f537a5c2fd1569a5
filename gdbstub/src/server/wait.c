/* SPDX-License-Identifier: Apache-2.0 */
/* server/wait.c - waiting for a debugger to have been here. */
#include "server.h"

#include <errno.h>
#include <time.h>

int hl_gdb_wait_gone(struct hl_gdb *g, int timeout_ms)
{
    struct timespec until;
    bool gone;
    int rc = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_nsec -= 1000000000L;
        until.tv_sec++;
    }
    pthread_mutex_lock(&g->lock);
    while (!g->gone && rc != ETIMEDOUT)
        rc = timeout_ms < 0 ? pthread_cond_wait(&g->changed, &g->lock)
                            : pthread_cond_timedwait(&g->changed, &g->lock, &until);
    gone = g->gone;
    pthread_mutex_unlock(&g->lock);
    return gone ? 0 : HL_ERR_INTERRUPTED;
}
