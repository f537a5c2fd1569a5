/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/run.c - the loop: run the machine, handle its exits, continue or give up. */
#include "fork.h"
#include "limit.h"
#include "observe.h"
#include "sandbox.h"
#include "source.h"
#include "x86.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static int on_wait(struct hl_sandbox *sb, const struct hl_message *m, struct hl_error *error)
{
    (void)sb;
    (void)m;
    (void)error;
    return RUN_DONE;
}

static int on_call(struct hl_sandbox *sb, const struct hl_message *m, struct hl_error *error)
{
    sb->counts.host_calls++;
    if (m->index < hl_image_import_count(sb->image))
        sb->import_calls[m->index]++;
    if (m->kind != HL_MSG_CALL)
        return sandbox_protocol(error, "message %u instead of a host call", m->kind);
    return host_call(sb, m, error);
}

static int on_log(struct hl_sandbox *sb, const struct hl_message *m, struct hl_error *error)
{
    char text[HL_LOG_MAX + 1];
    sb->counts.logs++;
    if (m->kind != HL_MSG_LOG)
        return sandbox_protocol(error, "message %u instead of a log line", m->kind);
    if (sb->config.log || observes(sb, HL_EVENT_LOG))
        message_text(sb, m, text, sizeof(text));
    if (observes(sb, HL_EVENT_LOG)) {
        const struct hl_event e = {.kind = HL_EVENT_LOG, .log = {m->code, text}};
        observe(sb, &e);
    }
    if (sb->config.log)
        sb->config.log(sb->config.opaque, m->code, text);
    return RUN_ON;
}

static int on_abort(struct hl_sandbox *sb, const struct hl_message *m, struct hl_error *error)
{
    char text[512];
    if (m->kind != HL_MSG_ABORT)
        return sandbox_protocol(error, "message %u instead of an abort", m->kind);
    message_text(sb, m, text, sizeof(text));
    sb->guest_code = m->code;
    sb->killed_by = SIGABRT;
    return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s with code %d%s%s",
                        hl_err_text(HL_ERR_GUEST_ABORT), m->code, text[0] ? ": " : "", text);
}

typedef int message_fn(struct hl_sandbox *sb, const struct hl_message *m, struct hl_error *error);

static message_fn *const on_port[] = {
    [HL_PORT_WAIT - HL_PORT_WAIT] = on_wait,
    [HL_PORT_CALL - HL_PORT_WAIT] = on_call,
    [HL_PORT_LOG - HL_PORT_WAIT] = on_log,
    [HL_PORT_ABORT - HL_PORT_WAIT] = on_abort,
};

static int exit_io(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    unsigned port = exit->io.port - (unsigned)HL_PORT_WAIT;
    if (port >= sizeof(on_port) / sizeof(on_port[0]) || exit->io.in || exit->io.size != 1)
        return sandbox_protocol(error, "%s of %u bytes on port 0x%x",
                                exit->io.in ? "input" : "output", exit->io.size, exit->io.port);
    if (port == 0) /* the caller of sandbox_run() copies the result */
        return on_wait(sb, NULL, error);
    struct hl_message message = sb->output->message; /* the only copy */
    return on_port[port](sb, &message, error);
}

/* A libc uses few different ones, so a linear search is fast. */
static void count_syscall(struct hl_sandbox *sb, uint64_t number)
{
    struct syscall_count *c = sb->syscall_count, *end = c + SYSCALLS_COUNTED;
    while (c < end && c->count && c->number != number)
        c++;
    if (c == end)
        return;
    c->number = number;
    c->count++;
}

static int exit_syscall(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    sb->counts.syscalls++;
    count_syscall(sb, exit->syscall.number);
    sb->answered = false;
    return sb->personality->syscall(sb, exit, error);
}

/* Bytes between address and the region, 0 if it is inside. */
static uint64_t distance(const struct hl_region *r, hl_gva_t address)
{
    hl_gva_t end = r->start + r->size;
    return address < r->start ? r->start - address : address >= end ? address - end + 1 : 0;
}

/* "stack overflow" and the like: what an address in or next to a region suggests. */
static const char *neighbour(const struct hl_sandbox *sb, hl_gva_t address)
{
    const uint64_t near = HL_GUARD_SIZE;
    static const struct {
        enum region_id id;
        const char *below, *inside, *above;
    } words[] = {
        {REGION_STACK, " (stack overflow)", "", " (above the stack)"},
        {REGION_HEAP, " (below the heap)", " (heap that is not allocated)", " (past the heap)"},
        {REGION_INPUT, " (below the input buffer)", "", " (past the input buffer)"},
        {REGION_OUTPUT, " (below the output buffer)", "", " (past the output buffer)"},
    };
    const char *best = address < PAGE_SIZE ? " (NULL pointer)" : "";
    /*
     * The guard below the stack also follows the output buffer, but it is stacks that run into it.
     */
    const struct hl_region *stack = &sb->region[REGION_STACK];
    if (address < stack->start && stack->start - address <= near)
        return words[0].below;
    const struct hl_region *heap = &sb->region[REGION_HEAP];
    if (distance(heap, address) == 0 && sb->personality->page_use(sb, address))
        return " (heap that is reserved, PROT_NONE)";
    uint64_t nearest = near + 1;
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const struct hl_region *r = &sb->region[words[i].id];
        uint64_t d = distance(r, address);
        if (d >= nearest)
            continue;
        nearest = d;
        best = !d ? words[i].inside : address < r->start ? words[i].below : words[i].above;
    }
    return best;
}

void sandbox_fault_text(const struct hl_sandbox *sb, const struct hl_fault *f, char *buf,
                        size_t size)
{
    char text[160];
    hl_fault_format(f, text, sizeof(text));
    bool unmapped = f->vector == VECTOR_PAGE_FAULT && !(f->error_code & PF_PRESENT);
    snprintf(buf, size, "%s%s", text, unmapped ? neighbour(sb, f->address) : "");
}

static int exit_fault(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    const struct hl_fault *f = &exit->fault;
    char text[256];
    bool handled;
    sb->counts.faults++;
    int rc = sb->personality->fault(sb, f, &handled, error);
    if (rc || handled)
        return rc;
    sb->fault = *f;
    sb->has_fault = true;
    sandbox_fault_text(sb, f, text, sizeof(text));
    return hl_error_set(error, HL_ERR_FAULT, "%s: %s %s at rip 0x%llx", hl_err_text(HL_ERR_FAULT),
                        hl_fault_name(f->vector), text, (unsigned long long)f->rip);
}

/* Nothing is mapped outside the machine's memory, so the guest violated the ABI. */
static int exit_mmio(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    (void)sb;
    return sandbox_protocol(error, "access to guest physical address 0x%llx",
                            (unsigned long long)exit->mmio.gpa);
}

/* Our own kicks are handled at the top of the loop; other signals do not concern the guest. */
static int exit_interrupt(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    (void)exit;
    (void)error;
    sb->counts.interrupts++;
    return RUN_ON;
}

static int exit_shutdown(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    (void)sb;
    return hl_error_set(error, HL_ERR_FAULT, "%s: %s", hl_err_text(HL_ERR_FAULT),
                        exit->shutdown.why);
}

typedef int exit_fn(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error);

static exit_fn *const on_exit_kind[] = {
    [HL_EXIT_IO] = exit_io,
    [HL_EXIT_MMIO] = exit_mmio,
    [HL_EXIT_SYSCALL] = exit_syscall,
    [HL_EXIT_FAULT] = exit_fault,
    [HL_EXIT_INTERRUPT] = exit_interrupt,
    [HL_EXIT_SHUTDOWN] = exit_shutdown,
};

static int enter(struct hl_sandbox *sb, struct hl_exit *exit, struct hl_error *error)
{
    bool observed = observes(sb, HL_EVENT_EXIT);
    uint64_t entered = observed ? clock_now() : 0;
    int rc = sb->warden ? sb->warden->ops->run(sb->warden, exit, error)
                        : hl_machine_run(sb->machine, exit, error);
    if (observed && !rc) {
        const struct hl_event e = {.kind = HL_EVENT_EXIT, .exit = {exit, entered, clock_now()}};
        observe(sb, &e);
    }
    return rc;
}

static int serve(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    bool observed = observes(sb, HL_EVENT_SERVED);
    uint64_t began = observed ? clock_now() : 0;
    sandbox_count(&sb->counts.exits);
    int rc = on_exit_kind[exit->kind](sb, exit, error);
    uint64_t ended = observed ? clock_now() : 0;
    if (rc < 0 && sb->warden)
        rc = sb->warden->ops->failure(sb->warden, rc, exit, error);
    if (observed) {
        const struct hl_event e = {
            .kind = HL_EVENT_SERVED,
            .served = {.exit = exit,
                       .began = began,
                       .ended = ended,
                       .answered = exit->kind == HL_EXIT_SYSCALL && sb->answered,
                       .result = sb->answer,
                       .rc = rc < 0 ? rc : 0}};
        observe(sb, &e);
    }
    return rc;
}

/* Not in a system call: the alarm has expired. */
static int deliver(struct hl_sandbox *sb, struct hl_exit *exit, struct hl_error *error)
{
    exit->kind = HL_EXIT_INTERRUPT;
    int rc = sb->personality->deliver(sb, error);
    return rc < 0 && sb->warden ? sb->warden->ops->failure(sb->warden, rc, exit, error) : rc;
}

int sandbox_run(struct hl_sandbox *sb, struct hl_error *error)
{
    const struct source_ops *source = sb->source->ops;
    struct hl_exit exit;
    int rc;
    do {
        if (fork_copied(sb->use.forks)) /* a host function forked, and this is the child */
            return sandbox_is_copy(error);
        rc = source->entry ? source->entry(sb->source, sb, error) : 0;
        if (rc)
            return rc;
        if (sandbox_is_interrupted(sb) || (sb->limit && limit_is_used_up(sb->limit)))
            return hl_error_set(error, HL_ERR_INTERRUPTED, "%s", hl_err_text(HL_ERR_INTERRUPTED));
        rc = sb->personality->due(sb) ? deliver(sb, &exit, error) : RUN_ON;
        if (!rc)
            rc = enter(sb, &exit, error);
        if (!rc)
            rc = serve(sb, &exit, error);
    } while (rc == RUN_ON);
    return rc == RUN_DONE ? 0 : rc;
}
