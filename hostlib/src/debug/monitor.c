/* SPDX-License-Identifier: Apache-2.0 */
/* debug/monitor.c - GDB's `monitor` commands for a sandbox. */
#include "debug_monitor.h"

#include <stdio.h>
#include <string.h>

#include "machine_cpu.h"
#include "names.h"
#include "syscall_names.h"
#include "x86.h"

#define say debug_say
#define refuse debug_refuse

static void say_count(struct gdb_printer *p, int indent, const char *what, uint64_t count)
{
    say(p, "%*s%-*s %10llu\n", indent, "", 32 - indent, what, (unsigned long long)count);
}

static void say_syscalls(struct gdb_printer *p, const struct hl_sandbox *sb)
{
    uint64_t others = sb->counts.syscalls;
    char number[32];
    for (unsigned i = 0; i < SYSCALLS_COUNTED; i++) {
        const struct syscall_count *c = &sb->syscall_count[i];
        const char *name = syscall_name(c->number);
        if (!c->count)
            break;
        others -= c->count < others ? c->count : others;
        snprintf(number, sizeof(number), "number %llu", (unsigned long long)c->number);
        say_count(p, 4, name ? name : number, c->count);
    }
    if (others)
        say_count(p, 4, "(others)", others);
    if (sb->counts.unknown_syscalls)
        say_count(p, 4, "(of these not served)", sb->counts.unknown_syscalls);
}

static int on_exits(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    const struct hl_sandbox *sb = d->sb;
    const struct hl_counts *c = &sb->counts;
    (void)args;
    say_count(p, 0, "exits", c->exits);
    say_count(p, 2, "host calls", c->host_calls);
    for (size_t i = 0; sb->import_calls && i < hl_image_import_count(sb->image); i++)
        if (sb->import_calls[i])
            say_count(p, 4, hl_image_import(sb->image, i)->name, sb->import_calls[i]);
    say_count(p, 2, "system calls", c->syscalls);
    say_syscalls(p, sb);
    say_count(p, 2, "log lines", c->logs);
    say_count(p, 2, "faults", c->faults);
    say_count(p, 2, "interrupts", c->interrupts);
    say_count(p, 0, "calls of guest functions", c->calls);
    return 0;
}

static int on_regs(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    struct hl_machine *m = d->sb->machine;
    struct vcpu_system s;
    (void)args;
    int rc = machine_get_system(m, &s, NULL);
    if (rc)
        return rc;
    say(p, "cr0 0x%llx  cr2 0x%llx  cr3 0x%llx  cr4 0x%llx\n", (unsigned long long)s.cr0,
        (unsigned long long)s.cr2, (unsigned long long)s.cr3, (unsigned long long)s.cr4);
    say(p, "efer 0x%llx  xcr0 0x%llx\n", (unsigned long long)s.efer,
        (unsigned long long)machine_xcr0(m));
    return 0;
}

/* The two lists that describe the error code of a page fault (Intel SDM 3, 4.7). */
static void say_error_code(struct gdb_printer *p, const struct hl_fault *f)
{
    say(p, "vector %u, error code 0x%x", f->vector, f->error_code);
    if (f->vector == VECTOR_PAGE_FAULT)
        say(p, " (%s, %s%s), address 0x%llx",
            f->error_code & PF_PRESENT ? "protection" : "not mapped",
            f->error_code & PF_FETCH   ? "fetch"
            : f->error_code & PF_WRITE ? "write"
                                       : "read",
            f->error_code & PF_USER ? ", user" : "", (unsigned long long)f->address);
    say(p, ", rip 0x%llx\n", (unsigned long long)f->rip);
}

static int on_fault(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    const struct hl_sandbox *sb = d->sb;
    char text[256];
    (void)args;
    if (sb->has_fault) {
        sandbox_fault_text(sb, &sb->fault, text, sizeof(text));
        say(p, "%s %s\n", hl_fault_name(sb->fault.vector), text);
        say_error_code(p, &sb->fault);
    } else if (sb->killed_by && sb->killed_by == sb->guest_code) {
        say(p, "no fault: the guest raised signal %d (SIG%s)\n", sb->killed_by,
            signal_name(sb->killed_by));
    } else if (sb->killed_by) {
        say(p, "no fault: the guest called hl_abort(%d, ...)\n", sb->guest_code);
    } else {
        say(p, "no fault\n");
    }
    return 0;
}

static int on_catch(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    struct debug_catch catch = d->catch;
    if (strcmp(args, "host") == 0)
        catch.hosts = true;
    else if (strcmp(args, "syscall") == 0)
        catch.syscalls = true;
    else if (strcmp(args, "none") == 0)
        catch.hosts = catch.syscalls = false;
    else if (*args)
        return refuse(p, "catch", "takes host, syscall or none");
    debug_catch_set(d, &catch);
    say(p, "stop at host calls: %s, at system calls: %s\n", d->catch.hosts ? "yes" : "no",
        d->catch.syscalls ? "yes" : "no");
    return 0;
}

static int on_snapshot(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    (void)args;
    if (d->in_call)
        return refuse(p, "snapshot", "only between two calls");
    if (d->sb->state != HL_SANDBOX_READY)
        return refuse(p, "snapshot", "only of a guest that waits for a call");
    hl_snapshot_destroy(d->snapshot);
    d->snapshot = NULL;
    debug_remember(d);
    if (!d->snapshot)
        return refuse(p, "snapshot", "failed: out of memory, or KVM refused");
    say(p, "taken: `run` and `monitor restore` return to this state\n");
    return 0;
}

static int on_restore(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    (void)args;
    if (d->in_call)
        return refuse(p, "restore", "only between two calls; `run` starts afresh from within one");
    if (!d->snapshot)
        return refuse(p, "restore", "there is no snapshot");
    debug_deallocate_all(d);
    debug_watch_suspend(d, true);
    int rc = debug_restore(d);
    debug_watch_suspend(d, false);
    if (!rc)
        say(p, "restored; GDB shows old values until `maintenance flush register-cache`\n");
    return rc;
}

const struct gdb_monitor debug_monitors[] = {
    {"calls", NULL, "functions, and the call in progress with its arguments", debug_on_calls},
    {"catch", "[host|syscall|none]", "stop at host calls or system calls", on_catch},
    {"exits", NULL, "the guest's exits, counted by reason", on_exits},
    {"fault", NULL, "the exception at which the guest stopped", on_fault},
    {"gcore", "FILE", "write a new core file on the host", debug_on_gcore},
    {"maps", NULL, "the guest's memory, mapped or not", debug_on_maps},
    {"regs", NULL, "control registers", on_regs},
    {"restore", NULL, "restore the snapshot", on_restore},
    {"snapshot", NULL, "save the idle sandbox for `run` and `monitor restore`", on_snapshot},
};
const unsigned debug_monitor_count = sizeof(debug_monitors) / sizeof(debug_monitors[0]);
