/* SPDX-License-Identifier: Apache-2.0 */
/* debug/target.c - struct gdb_target_ops, as the server's thread calls them. */
#include "debug.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* No thread runs the guest: the server's request can be met at once. */
static bool at_rest(const struct hl_debug *d)
{
    return !d->in_call || d->in_host || d->parked;
}

/* lock held: the guest's thread checks before its next entry; end the present run. */
static void call_attention(struct hl_debug *d)
{
    atomic_store(&d->attention, true);
    pthread_cond_broadcast(&d->changed);
    if (d->in_call && !d->parked)
        sandbox_kick(d->sb);
}

static int bind_hooks(void *target, const struct gdb_hooks *hooks)
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->hook.lock);
    d->hook.to = hooks ? *hooks : (struct gdb_hooks){NULL, NULL, NULL};
    pthread_mutex_unlock(&d->hook.lock);
    return 0;
}

static int get_event_fd(void *target)
{
    const struct hl_debug *d = target;
    return d->event_fd;
}

/* lock held: discard any pending event. */
static void clear_event(struct hl_debug *d)
{
    uint64_t count;
    d->event_set = false;
    (void)!read(d->event_fd, &count, sizeof(count));
}

static int take_stop(void *target, struct gdb_stop *stop)
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->lock);
    int taken = d->event_set;
    *stop = d->event;
    clear_event(d);
    pthread_cond_broadcast(&d->changed);
    pthread_mutex_unlock(&d->lock);
    return taken;
}

/* The stop of an idle sandbox: what ended its last call, if anything did. */
static struct gdb_stop idle_stop(const struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    if (sb->state == HL_SANDBOX_DEAD)
        return (struct gdb_stop){.reason = GDB_STOP_EXITED, .status = sb->exit_status};
    if (sb->state != HL_SANDBOX_POISONED)
        return (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_0};
    int signal = sb->has_fault ? debug_fault_signal(&sb->fault)
                 : d->died_by  ? d->died_by
                               : GDB_SIGNAL_TERM; /* it was interrupted */
    return (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = signal};
}

/* lock held */
static void post_idle(struct hl_debug *d)
{
    struct gdb_stop stop = idle_stop(d);
    if (d->hold.state == HOLD_HERE)
        stop = d->hold.stop;
    debug_post(d, &stop);
    if (stop.reason == GDB_STOP_EXITED) {
        d->state = DEBUG_FREE;
        d->ended = true;
    }
}

static int attach(void *target)
{
    struct hl_debug *d = target;
    int rc = 0;
    pthread_mutex_lock(&d->lock);
    if (d->state != DEBUG_FREE || d->event_due) {
        rc = HL_ERR_STATE;
    } else {
        d->event_due = true;
        d->detached = false;
        if (at_rest(d)) {
            if (d->drop) {
                debug_remove_all(d);
                d->drop = false;
            }
            if (!debug_hold_is_awaited(d))
                post_idle(d);
        } else if (!debug_hold_is_awaited(d)) {
            call_attention(d);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

/* lock held: the debugger has left. */
static void let_go(struct hl_debug *d)
{
    d->state = DEBUG_FREE;
    d->event_due = d->break_in = false;
    debug_hold_release(d);
    clear_event(d);
    d->deliver = 0;
    d->orig_rax = DEBUG_NO_SYSCALL;
    memset(d->pass, 0, sizeof(d->pass));
    debug_catch_none(d);
    if (at_rest(d)) {
        debug_remove_all(d);
        d->motion = (struct debug_motion){.how = GDB_CONTINUE};
    } else {
        d->drop = true;
    }
    call_attention(d);
    debug_registry(d);
}

static void detach(void *target)
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->lock);
    d->detached = true;
    let_go(d);
    pthread_mutex_unlock(&d->lock);
}

/* lock held: an idle sandbox that will never run again reports this when it is resumed. */
static bool resume_the_dead(struct hl_debug *d)
{
    const struct hl_sandbox *sb = d->sb;
    if (d->in_call || d->waiting ||
        (sb->state != HL_SANDBOX_POISONED && sb->state != HL_SANDBOX_DEAD))
        return false;
    struct gdb_stop stop = idle_stop(d);
    if (stop.reason == GDB_STOP_SIGNAL)
        stop.reason = GDB_STOP_KILLED;
    debug_post(d, &stop);
    d->state = DEBUG_FREE;
    d->ended = true;
    return true;
}

/* Signals that are ignored by default, in GDB's numbers: URG, CONT, CHLD, WINCH. */
static bool is_harmless(int signal)
{
    return signal == 16 || signal == 19 || signal == 20 || signal == 28;
}

static int resume(void *target, const struct gdb_resume *resume)
{
    struct hl_debug *d = target;
    int rc = 0;
    pthread_mutex_lock(&d->lock);
    if (d->state != DEBUG_HELD) {
        rc = HL_ERR_STATE;
    } else if (!resume_the_dead(d)) {
        d->motion =
            (struct debug_motion){.how = resume->how, .start = resume->start, .end = resume->end};
        d->deliver = is_harmless(resume->signal) ? 0 : resume->signal;
        d->state = DEBUG_RUNNING;
        d->event_due = true;
        d->resumed_rax = d->orig_rax;
        d->orig_rax = DEBUG_NO_SYSCALL;
        debug_regs_forget(d);
        debug_registry(d);
        atomic_store(&d->attention, true);
        pthread_cond_broadcast(&d->changed);
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static void interrupt(void *target)
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->lock);
    if (d->event_due && (d->state == DEBUG_RUNNING || debug_hold_is_awaited(d))) {
        if (at_rest(d)) {
            debug_post(d, &(struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_INT});
        } else {
            d->break_in = true;
            call_attention(d);
        }
    }
    pthread_mutex_unlock(&d->lock);
}

static int restart(void *target)
{
    struct hl_debug *d = target;
    int rc = 0;
    pthread_mutex_lock(&d->lock);
    if (!d->snapshot) {
        rc = HL_ERR_STATE;
    } else {
        d->event_due = true;
        d->killed = d->ended = false;
        if (d->in_call || d->waiting) { /* a call that waits must be repeated, too */
            d->restart = true;
            call_attention(d);
        } else {
            debug_rewind(d);
        }
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static void kill_guest(void *target)
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->lock);
    let_go(d);
    d->killed = d->in_call || d->waiting; /* else no call to end */
    d->wish = HL_DEBUG_KILLED;
    if (!d->in_call && d->sb->state < HL_SANDBOX_POISONED)
        d->sb->state = HL_SANDBOX_POISONED;
    call_attention(d);
    pthread_mutex_unlock(&d->lock);
}

/* Everything that the guest has mapped, whatever its protection; never the host's pages. */
static size_t read_memory(void *target, uint64_t address, void *data, size_t size)
{
    struct hl_debug *d = target;
    return debug_may_look(d) ? hl_machine_read(d->sb->machine, address, data, size, 0) : 0;
}

static size_t write_memory(void *target, uint64_t address, const void *data, size_t size)
{
    struct hl_debug *d = target;
    if (!debug_may_look(d))
        return 0;
    size_t done = hl_machine_write(d->sb->machine, address, data, size, 0);
    debug_watch_wrote(d, address, done);
    return done;
}

static int insert_point(void *target, enum gdb_point point, uint64_t address, size_t size)
{
    struct hl_debug *d = target;
    return debug_may_look(d) ? debug_insert(d, point, address, size) : HL_ERR_BUSY;
}

static int remove_point(void *target, enum gdb_point point, uint64_t address, size_t size)
{
    struct hl_debug *d = target;
    return debug_may_look(d) ? debug_remove(d, point, address, size) : HL_ERR_BUSY;
}

static int get_file(void *target, struct gdb_file *file)
{
    const struct hl_debug *d = target;
    size_t size;
    file->data = hl_image_data(d->sb->image, &size);
    file->size = size;
    file->path = d->path;
    return 0;
}

static int load_offset(void *target, uint64_t *offset)
{
    const struct hl_debug *d = target;
    *offset = hl_image_bias(d->sb->image);
    return 0;
}

static int pass_signals(void *target, const uint8_t pass[GDB_SIGNALS / 8])
{
    struct hl_debug *d = target;
    pthread_mutex_lock(&d->lock);
    memcpy(d->pass, pass, sizeof(d->pass));
    pthread_mutex_unlock(&d->lock);
    return 0;
}

const struct gdb_target_ops debug_ops = {
    .bind = bind_hooks,
    .event_fd = get_event_fd,
    .take_stop = take_stop,
    .attach = attach,
    .detach = detach,
    .resume = resume,
    .interrupt = interrupt,
    .restart = restart,
    .kill = kill_guest,
    .read_register = debug_read_register,
    .write_register = debug_write_register,
    .read_memory = read_memory,
    .write_memory = write_memory,
    .insert_point = insert_point,
    .remove_point = remove_point,
    .object = debug_object,
    .file = get_file,
    .load_offset = load_offset,
    .pass_signals = pass_signals,
    .thread_extra = debug_thread_extra,
    .proc = debug_proc,
    .catch_syscalls = debug_catch_syscalls,
    .thread_local_address = debug_thread_local,
    .memory_region = debug_memory_region,
    .allocate = debug_allocate,
    .deallocate = debug_deallocate,
};
