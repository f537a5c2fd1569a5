/* SPDX-License-Identifier: Apache-2.0 */
/* debug/end.c - the end of a debug target: report it to the debugger, and destroy the target. */
#include "debug.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "registry.h"

#define POLL_MS 50
#define FAREWELL_MS 1000 /* for the debugger to read the report of the end */

void debug_unmake(struct hl_debug *d)
{
    if (!d)
        return;
    bool copy = debug_is_copy(d);
    observe_remove(d->sb, &d->observer);
    hl_gdb_destroy(d->gdb);
    registry_remove(d->registry);
    if (!copy)
        debug_remove_all(d);
    hl_snapshot_destroy(d->snapshot);
    if (d->event_fd >= 0)
        close(d->event_fd);
    debug_core_close(d);
    free(d->points.breaks);
    free(d->points.watches);
    free(d->cache.xsave.area);
    free(d->object);
    if (!copy) {
        pthread_cond_destroy(&d->changed);
        pthread_mutex_destroy(&d->hook.lock);
        pthread_mutex_destroy(&d->lock);
    }
    free(d);
}

static void wait_ms(struct hl_debug *d, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000l;
    until.tv_sec += until.tv_nsec / 1000000000l;
    until.tv_nsec %= 1000000000l;
    pthread_cond_timedwait(&d->changed, &d->lock, &until);
}

void debug_say_exited(struct hl_debug *d, int status)
{
    while (d->state == DEBUG_HELD && d->wish != HL_DEBUG_RESTARTED)
        pthread_cond_wait(&d->changed, &d->lock);
    if (d->state != DEBUG_RUNNING && !d->event_due)
        return;
    debug_post(d, &(struct gdb_stop){.reason = GDB_STOP_EXITED, .status = status});
    d->state = DEBUG_FREE;
    d->ended = true;
}

void debug_destroy(struct hl_debug *d)
{
    if (!d)
        return;
    if (!debug_is_copy(d)) {
        pthread_mutex_lock(&d->lock);
        d->wish = HL_DEBUG_NOTHING;
        debug_say_exited(d, d->sb->exit_status);
        for (int waited = 0; d->event_set && waited < FAREWELL_MS; waited += POLL_MS)
            wait_ms(d, POLL_MS);
        pthread_mutex_unlock(&d->lock);
    }
    debug_unmake(d);
}
