/* SPDX-License-Identifier: Apache-2.0 */
/* debug/warden.c - the debugger as a sandbox sees it (warden.h). */
#include "debug.h"

static struct hl_debug *debug_from(struct warden *w)
{
    return (struct hl_debug *)w; /* the first member */
}

static int enter(struct warden *w, struct hl_error *error)
{
    return debug_enter(debug_from(w), error);
}

static void leave(struct warden *w)
{
    debug_leave(debug_from(w));
}

static int start_again(struct warden *w, struct hl_error *error)
{
    return debug_start_again(debug_from(w), error);
}

static int run(struct warden *w, struct hl_exit *exit, struct hl_error *error)
{
    return debug_run(debug_from(w), exit, error);
}

static int failure(struct warden *w, int rc, const struct hl_exit *exit, struct hl_error *error)
{
    return debug_failure(debug_from(w), rc, exit, error);
}

static int deliver(struct warden *w, int *number, struct hl_error *error)
{
    return debug_signal(debug_from(w), number, error);
}

static void wake(struct warden *w)
{
    debug_wake(debug_from(w));
}

static bool held(struct warden *w)
{
    struct hl_debug *d = debug_from(w);
    pthread_mutex_lock(&d->lock);
    bool held = d->parked || d->state == DEBUG_HELD || d->hold.state == HOLD_HERE;
    pthread_mutex_unlock(&d->lock);
    return held;
}

static bool wanted(struct warden *w)
{
    return atomic_load(&debug_from(w)->attention);
}

static void destroy(struct warden *w)
{
    debug_destroy(debug_from(w));
}

const struct warden_ops debug_warden_ops = {
    .enter = enter,
    .leave = leave,
    .start_again = start_again,
    .run = run,
    .failure = failure,
    .signal = deliver,
    .wake = wake,
    .held = held,
    .wanted = wanted,
    .destroy = destroy,
};

struct hl_debug *debug_of(const struct hl_sandbox *sb)
{
    return sb->warden && sb->warden->ops == &debug_warden_ops ? debug_from(sb->warden) : NULL;
}
