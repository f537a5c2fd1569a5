/* SPDX-License-Identifier: Apache-2.0 */
/* debug/debug.c - hl/debug.h: create, serve and finish a debug target. */
#include "debug.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "image.h"
#include "registry.h"
#include "sized.h"

#define POLL_MS 50

static void fill_target(struct hl_debug *d)
{
    d->target = (struct gdb_target){
        .ops = &debug_ops,
        .self = d,
        .description = &d->description,
        .monitors = debug_monitors,
        .monitor_count = debug_monitor_count,
        .points = GDB_POINT_BIT(GDB_SW_BREAK) | GDB_POINT_BIT(GDB_HW_BREAK) |
                  GDB_POINT_BIT(GDB_WATCH_WRITE) | GDB_POINT_BIT(GDB_WATCH_READ) |
                  GDB_POINT_BIT(GDB_WATCH_ACCESS),
        .objects = 1u << GDB_OBJECT_AUXV | 1u << GDB_OBJECT_SIGINFO | 1u << GDB_OBJECT_MEMORY_MAP,
        .range_step = true,
        .created = d->config.created,
        .process = (uint32_t)getpid(),
        .name = debug_file_name(d),
    };
}

static int make(struct hl_debug **debug, struct hl_sandbox *sb,
                const struct hl_debug_config *config, const struct hl_debug_abilities *can,
                struct hl_error *error)
{
    struct hl_debug *d = calloc(1, sizeof(*d));
    if (!d)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    *debug = d;
    d->sb = sb;
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->hook.lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    d->core_directory = -1;
    d->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (d->event_fd < 0)
        return hl_error_set(error, HL_ERR_SYSTEM, "no event descriptor for the debugger");
    d->path = image_file(sb->image);
    int rc = SIZED_READ(hl_debug_config, &d->config, config, error);
    if (!rc && !can)
        rc = debug_probe(machine_backend(sb->machine), &d->can, error);
    if (can)
        d->can = *can;
    if (!rc)
        rc = debug_hold_set(d, error);
    if (!rc)
        rc = debug_core_open(d, error);
    debug_regs_init(d);
    fill_target(d);
    return rc;
}

int debug_create(struct hl_sandbox *sb, const struct hl_debug_config *config,
                 const struct hl_debug_abilities *can, struct hl_error *error)
{
    struct hl_debug *d = NULL;
    int rc = make(&d, sb, config, can, error);
    if (rc) {
        debug_unmake(d);
        return rc;
    }
    if (sb->state <= HL_SANDBOX_READY)
        debug_remember(d);
    d->observer = (struct hl_observer){.event = debug_event, .opaque = d, .kinds = DEBUG_EVENTS};
    observe_add(sb, &d->observer);
    d->warden.ops = &debug_warden_ops;
    sb->warden = &d->warden;
    return 0;
}

static int serve(struct hl_debug *d, const char *endpoint, struct hl_error *error)
{
    const struct hl_gdb_config config = {.size = sizeof(config),
                                         .anywhere = d->config.anywhere,
                                         .fds = d->config.fds,
                                         .fd_in = d->config.fd_in,
                                         .fd_out = d->config.fd_out};
    char own[160];
    int rc = 0;
    if (!endpoint || !*endpoint) {
        rc = registry_private_endpoint(own, sizeof(own), error);
        endpoint = own;
    }
    if (!rc)
        rc = hl_gdb_create(&d->gdb, &d->target, endpoint, &config, error);
    return rc;
}

static int publish(struct hl_sandbox *sb, const char *endpoint, struct hl_error *error)
{
    struct hl_debug *d = debug_of(sb);
    int rc = serve(d, endpoint, error);
    if (rc) {
        sb->warden = NULL;
        debug_unmake(d);
        return rc;
    }
    registry_add(&d->registry, sb, hl_gdb_endpoint(d->gdb), hl_gdb_remote(d->gdb), NULL);
    pthread_mutex_lock(&d->lock);
    debug_registry(d);
    pthread_mutex_unlock(&d->lock);
    return 0;
}

int hl_sandbox_debug(struct hl_sandbox *sb, const char *endpoint,
                     const struct hl_debug_config *config, struct hl_error *error)
{
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    rc = sb->warden ? hl_error_set(error, HL_ERR_STATE, "the sandbox serves a debugger already")
                    : debug_create(sb, config, NULL, error);
    if (!rc)
        rc = publish(sb, endpoint, error);
    sandbox_give(sb);
    return rc;
}

const char *hl_sandbox_debug_endpoint(const struct hl_sandbox *sb)
{
    const struct hl_debug *d = debug_of(sb);
    return d ? hl_gdb_endpoint(d->gdb) : NULL;
}

const char *hl_sandbox_debug_remote(const struct hl_sandbox *sb)
{
    const struct hl_debug *d = debug_of(sb);
    return d ? hl_gdb_remote(d->gdb) : NULL;
}

bool hl_sandbox_debug_attached(const struct hl_sandbox *sb)
{
    const struct hl_debug *d = debug_of(sb);
    return d && !debug_is_copy(d) && hl_gdb_attached(d->gdb) && !d->detached;
}

bool hl_sandbox_debug_saw_end(const struct hl_sandbox *sb)
{
    struct hl_debug *d = debug_of(sb);
    if (!d)
        return false;
    pthread_mutex_lock(&d->lock);
    bool saw = d->ended || d->wish == HL_DEBUG_KILLED;
    pthread_mutex_unlock(&d->lock);
    return saw;
}

int hl_sandbox_debug_wait_gone(const struct hl_sandbox *sb, int timeout_ms)
{
    const struct hl_debug *d = debug_of(sb);
    return d && !debug_is_copy(d) ? hl_gdb_wait_gone(d->gdb, timeout_ms) : 0;
}

enum hl_debug_wish hl_sandbox_debug_wish(struct hl_sandbox *sb)
{
    struct hl_debug *d = debug_of(sb);
    if (!d || debug_is_copy(d))
        return HL_DEBUG_NOTHING;
    pthread_mutex_lock(&d->lock);
    enum hl_debug_wish wish = d->wish;
    if (wish == HL_DEBUG_RESTARTED)
        d->wish = HL_DEBUG_NOTHING;
    pthread_mutex_unlock(&d->lock);
    return wish;
}

/* ---- the end ---- */

int hl_sandbox_debug_finish(struct hl_sandbox *sb, int status)
{
    struct hl_debug *d = debug_of(sb);
    if (!d || debug_is_copy(d))
        return 0;
    bool again = false, over = false;
    pthread_mutex_lock(&d->lock);
    debug_say_exited(d, status);
    while (!again && !over) {
        again = d->wish == HL_DEBUG_RESTARTED;
        over = !d->ended &&
               d->wish != HL_DEBUG_KILLED; /* no debugger is attached that could ask for `run` */
        pthread_mutex_unlock(&d->lock);
        if (!again && !over)
            over = hl_gdb_wait_gone(d->gdb, POLL_MS) == 0;
        pthread_mutex_lock(&d->lock);
    }
    pthread_mutex_unlock(&d->lock);
    return again ? 1 : 0;
}
