/* SPDX-License-Identifier: Apache-2.0 */
/* debug_monitor.c - GDB's `monitor` commands for a sandbox. */
#include "debug.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void __attribute__((format(printf, 2, 3)))
say(struct gdb_printer *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n > 0)
        p->print(p, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static int on_exits(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    const struct hl_counts *c = &d->sb->counts;
    (void)args;
    say(p, "exits            %llu\n", (unsigned long long)c->exits);
    say(p, "calls            %llu\n", (unsigned long long)c->calls);
    say(p, "host calls       %llu\n", (unsigned long long)c->host_calls);
    say(p, "log lines        %llu\n", (unsigned long long)c->logs);
    say(p, "system calls     %llu\n", (unsigned long long)c->syscalls);
    say(p, "  unknown        %llu\n", (unsigned long long)c->unknown_syscalls);
    say(p, "faults           %llu\n", (unsigned long long)c->faults);
    say(p, "interrupts       %llu\n", (unsigned long long)c->interrupts);
    return 0;
}

static const char *prot_text(unsigned prot, char text[4])
{
    text[0] = prot & HL_PROT_READ ? 'r' : '-';
    text[1] = prot & HL_PROT_WRITE ? 'w' : '-';
    text[2] = prot & HL_PROT_EXEC ? 'x' : '-';
    text[3] = 0;
    return text;
}

static void say_map(struct gdb_printer *p, hl_gva_t start, hl_gva_t end, unsigned prot,
                    const char *name)
{
    char text[4];
    say(p, "0x%012llx 0x%012llx %10llu %s %s\n", (unsigned long long)start, (unsigned long long)end,
        (unsigned long long)(end - start), prot_text(prot, text), name);
}

/* Runs of pages with one protection, as they are mapped now; false when nothing is. */
static bool say_mapped(struct gdb_printer *p, const struct hl_debug *d, const struct hl_region *r)
{
    hl_gva_t run = 0, end = r->start + r->size;
    unsigned run_prot = 0, prot = 0;
    bool any = false;
    for (hl_gva_t at = r->start; at <= end; at += PAGE_SIZE) {
        bool mapped = at < end && !hl_machine_lookup(d->sb->machine, at, NULL, &prot);
        if (run && (!mapped || prot != run_prot)) {
            say_map(p, run, at, run_prot, r->name);
            any = true;
            run = 0;
        }
        if (mapped && !run) {
            run = at;
            run_prot = prot;
        }
    }
    return any;
}

static int on_maps(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    (void)args;
    say(p, "%-14s %-14s %10s %s %s\n", "start", "end", "bytes", "prot", "what");
    for (unsigned i = 0; i < REGION_COUNT; i++) {
        const struct hl_region *r = &d->sb->region[i];
        if (!say_mapped(p, d, r) && i != REGION_IMAGE)
            say_map(p, r->start, r->start + r->size, 0, r->name);
    }
    return 0;
}

static int on_regs(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    const struct hl_machine *m = d->sb->machine;
    struct vcpu_system s;
    (void)args;
    int rc = m->ops->get_system(m->vcpu, &s, NULL);
    if (rc)
        return rc;
    say(p, "cr0 0x%llx  cr2 0x%llx  cr3 0x%llx  cr4 0x%llx\n", (unsigned long long)s.cr0,
        (unsigned long long)s.cr2, (unsigned long long)s.cr3, (unsigned long long)s.cr4);
    say(p, "efer 0x%llx  xcr0 0x%llx\n", (unsigned long long)s.efer,
        (unsigned long long)m->ops->xcr0(m->vcpu));
    return 0;
}

static int on_fault(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    const struct hl_fault *f = &d->sb->fault;
    char text[160];
    (void)args;
    if (!d->sb->has_fault) {
        say(p, "no fault\n");
        return 0;
    }
    hl_fault_format(f, text, sizeof(text));
    say(p, "vector %u (%s), error code 0x%x\n", f->vector, hl_fault_name(f->vector), f->error_code);
    say(p, "%s\nrip 0x%llx\n", text, (unsigned long long)f->rip);
    if (f->vector == VECTOR_PAGE_FAULT)
        say(p, "cr2 0x%llx\n", (unsigned long long)f->address);
    return 0;
}

static int on_calls(void *target, const char *args, struct gdb_printer *p)
{
    const struct hl_debug *d = target;
    const struct hl_image *image = d->sb->image;
    char text[256];
    (void)args;
    for (size_t i = 0; i < hl_image_function_count(image); i++) {
        const struct hl_function *f = hl_image_function(image, i);
        hl_signature_format(f->name, &f->signature, text, sizeof(text));
        say(p, "guest %s\n", text);
    }
    for (size_t i = 0; i < hl_image_import_count(image); i++) {
        const struct hl_function *f = hl_image_import(image, i);
        bool there = d->sb->host_of_import && d->sb->host_of_import[i] >= 0;
        hl_signature_format(f->name, &f->signature, text, sizeof(text));
        say(p, "host  %s%s\n", text, there ? "" : "   not registered");
    }
    if (d->sb->calling)
        say(p, "in %s\n", d->sb->calling);
    return 0;
}

static int on_catch(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    if (strcmp(args, "host") == 0)
        d->catch.hosts = true;
    else if (strcmp(args, "syscall") == 0)
        d->catch.syscalls = true;
    else if (strcmp(args, "none") == 0)
        d->catch = (struct debug_catch){.hosts = false};
    else if (*args)
        return HL_ERR_ARGUMENT;
    say(p, "stop at host calls: %s, at system calls: %s\n", d->catch.hosts ? "yes" : "no",
        d->catch.syscalls ? "yes" : "no");
    return 0;
}

static int on_snapshot(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    (void)args;
    if (d->in_call || d->sb->state != HL_SANDBOX_READY) {
        say(p, "only between calls\n");
        return HL_ERR_STATE;
    }
    hl_snapshot_destroy(d->snapshot);
    d->snapshot = NULL;
    debug_remember(d);
    say(p, d->snapshot ? "taken\n" : "failed\n");
    return 0;
}

static int on_restore(void *target, const char *args, struct gdb_printer *p)
{
    struct hl_debug *d = target;
    (void)args;
    if (d->in_call) {
        say(p, "only between calls: `run` starts afresh from within one\n");
        return HL_ERR_STATE;
    }
    debug_watch_suspend(d, true);
    int rc = d->snapshot ? snapshot_restore(d->sb, d->snapshot, NULL) : HL_ERR_STATE;
    debug_watch_suspend(d, false);
    debug_regs_forget(d);
    if (!rc)
        say(p, "restored; `maintenance flush register-cache` and `flushregs` refresh GDB\n");
    return rc;
}

const struct gdb_monitor debug_monitors[] = {
    {"calls", NULL, "functions the guest offers and those it may call", on_calls},
    {"catch", "[host|syscall|none]", "stop at host calls or system calls", on_catch},
    {"exits", NULL, "how often the guest came out, by reason", on_exits},
    {"fault", NULL, "the exception the guest stands at", on_fault},
    {"maps", NULL, "the guest's memory", on_maps},
    {"regs", NULL, "control registers", on_regs},
    {"restore", NULL, "back to the snapshot", on_restore},
    {"snapshot", NULL, "remember the idle sandbox for `run` and `monitor restore`", on_snapshot},
};
const unsigned debug_monitor_count = sizeof(debug_monitors) / sizeof(debug_monitors[0]);
