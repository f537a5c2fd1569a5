/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/syscall.c - catchpoints: `monitor catch` and GDB's `catch syscall`.
 *
 * A system call is reported at its exit, before it is served, and again before the guest is
 * entered, once it has been served: then rax is its result.
 */
#include "debug.h"

#include <hl/abi.h>

void debug_catch_set(struct hl_debug *d, const struct debug_catch *catch)
{
    pthread_mutex_lock(&d->lock);
    d->catch = *catch;
    pthread_mutex_unlock(&d->lock);
}

void debug_catch_none(struct hl_debug *d)
{
    d->catch = (struct debug_catch){.hosts = false};
}

int debug_catch_syscalls(void *target, const struct gdb_catch *catch)
{
    struct hl_debug *d = target;
    struct debug_catch wanted = d->catch;
    wanted.gdb = catch ? *catch : (struct gdb_catch){.all = false};
    debug_catch_set(d, &wanted);
    return 0;
}

static bool has_number(const struct gdb_catch *catch, uint64_t number)
{
    for (size_t i = 0; i < catch->count; i++)
        if (catch->numbers[i] == number)
            return true;
    return catch->all;
}

/* lock held.  For GDB's: not while it steps, as with a process. */
static bool gdb_wants(const struct hl_debug *d, uint64_t number)
{
    return d->motion.how == GDB_CONTINUE && has_number(&d->catch.gdb, number);
}

/* lock held: the server owns the numbers until it resumes the guest. */
static bool at_exit(const struct hl_debug *d, const struct hl_exit *exit, struct gdb_stop *stop)
{
    *stop = (struct gdb_stop){.reason = GDB_STOP_SIGNAL, .signal = GDB_SIGNAL_TRAP};
    if (exit->kind == HL_EXIT_IO)
        return exit->io.port == HL_PORT_CALL && d->catch.hosts;
    if (exit->kind != HL_EXIT_SYSCALL)
        return false;
    if (gdb_wants(d, exit->syscall.number)) {
        stop->reason = GDB_STOP_SYSCALL_ENTRY;
        stop->syscall = exit->syscall.number;
        return true;
    }
    return d->catch.syscalls;
}

/* Changes made at the stop apply to the call that is served. */
static void read_again(struct hl_debug *d, struct hl_exit *exit)
{
    struct hl_regs r;
    if (machine_get_general(d->sb->machine, &r, NULL))
        return;
    const uint64_t args[] = {r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9};
    exit->syscall.number = d->resumed_rax;
    for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
        exit->syscall.arg[i] = args[i];
}

int debug_caught(struct hl_debug *d, struct hl_exit *exit, struct hl_error *error)
{
    struct gdb_stop stop;
    pthread_mutex_lock(&d->lock);
    bool caught = at_exit(d, exit, &stop);
    pthread_mutex_unlock(&d->lock);
    if (!caught)
        return 0;
    debug_regs_forget(d);
    d->at_host_call = exit->kind == HL_EXIT_IO;
    d->orig_rax = d->resumed_rax = debug_syscall_of(exit);
    int rc = debug_show(d, &stop, error);
    d->orig_rax = DEBUG_NO_SYSCALL;
    d->at_host_call = false;
    if (rc || exit->kind != HL_EXIT_SYSCALL)
        return rc;
    read_again(d, exit);
    if (d->motion.how == GDB_CONTINUE)
        d->returning = exit->syscall.number;
    else if (stop.reason == GDB_STOP_SYSCALL_ENTRY) /* as on Linux, a step ends at the call */
        d->motion.moved = d->motion.done = true;
    return 0;
}

int debug_returned(struct hl_debug *d, struct hl_error *error)
{
    struct gdb_stop stop = {.reason = GDB_STOP_SYSCALL_RETURN, .syscall = d->returning};
    d->returning = DEBUG_NO_SYSCALL;
    if (stop.syscall == DEBUG_NO_SYSCALL)
        return 0;
    pthread_mutex_lock(&d->lock);
    bool wanted = gdb_wants(d, stop.syscall);
    pthread_mutex_unlock(&d->lock);
    if (!wanted)
        return 0;
    debug_regs_forget(d);
    d->orig_rax = stop.syscall;
    int rc = debug_show(d, &stop, error);
    d->orig_rax = DEBUG_NO_SYSCALL;
    return rc;
}
