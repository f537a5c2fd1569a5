/* SPDX-License-Identifier: Apache-2.0 */
/* trace/trace.c - an observer that makes lines of the events. */
#include "trace.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "syscall_names.h"

static const char *level_name(int level)
{
    static const char *const names[] = {"log", "error", "warn", "info", "debug"};
    return level > 0 && level < 5 ? names[level] : names[0];
}

static struct trace_line *new_line(struct trace *t, enum trace_class class, uint64_t time,
                                   const char *name)
{
    struct trace_line *line = &t->line;
    /* A stack is large, and its counts are enough to empty it. */
    memset(line, 0, offsetof(struct trace_line, stack));
    memset(&line->args, 0, sizeof(*line) - offsetof(struct trace_line, args));
    line->stack.count = line->stack.site = 0;
    line->class = class;
    line->time = time;
    line->name = name;
    return line;
}

static void locate(struct trace *t, bool past, const char *import)
{
    trace_sites_find(t->sites, hl_sandbox_machine(t->sandbox), past, import,
                     t->session->options->stack_trace, &t->line.stack);
}

static void begin(struct trace *t)
{
    t->writer->begin(t, &t->line);
    t->open = t->reported = true;
}

static void end(struct trace *t)
{
    t->writer->end(t, &t->line);
    t->open = false;
}

static void whole(struct trace *t)
{
    begin(t);
    end(t);
}

static const char *name_of_syscall(uint64_t number)
{
    static char text[40];
    const char *name = syscall_name(number);
    snprintf(text, sizeof(text), "syscall_0x%llx", (unsigned long long)number);
    return name ? name : text;
}

static void on_begin(struct trace *t, const struct hl_event *e)
{
    t->call = e->begin.name;
    t->aborting = false;
    if (!t->filter.shown[TRACE_RESULT])
        return;
    struct trace_line *line = new_line(t, TRACE_RESULT, clock_now(), e->begin.name);
    line->phase = TRACE_BEGIN;
    line->run = e->begin.what;
    line->args = e->begin.args;
    line->count = e->begin.count;
    whole(t);
}

/* Exits that are reported when they happen, and system calls, whose result follows. */
static void on_exit_event(struct trace *t, const struct hl_event *e)
{
    const struct hl_exit *exit = e->exit.exit;
    const bool *shown = t->filter.shown;
    bool fault = exit->kind == HL_EXIT_FAULT, gone = exit->kind == HL_EXIT_SHUTDOWN;
    t->left = e->exit.left;
    t->reported = false;
    if (exit->kind == HL_EXIT_SYSCALL && trace_shows_syscall(&t->filter, exit->syscall.number)) {
        new_line(t, TRACE_SYSCALL, t->left, name_of_syscall(exit->syscall.number))->exit = exit;
        locate(t, true, NULL);
        begin(t);
    } else if ((fault || gone) && shown[TRACE_FAULT]) {
        const char *name = fault ? hl_fault_name(exit->fault.vector) : "shutdown";
        new_line(t, TRACE_FAULT, t->left, name)->exit = exit;
        locate(t, hl_exit_is_behind(exit), NULL);
        whole(t);
    } else if (exit->kind == HL_EXIT_INTERRUPT && shown[TRACE_INTERRUPT]) {
        new_line(t, TRACE_INTERRUPT, t->left, "interrupt");
        locate(t, false, NULL);
        whole(t);
    }
}

static void on_host(struct trace *t, const struct hl_event *e)
{
    t->reported = true;
    if (!trace_shows_host(&t->filter, e->host.function))
        return;
    struct trace_line *line = new_line(t, TRACE_HOST, t->left, e->host.function->name);
    line->args = e->host.args;
    line->count = e->host.function->signature.count;
    locate(t, true, line->name);
    begin(t);
}

static void on_host_end(struct trace *t, const struct hl_event *e)
{
    struct trace_line *line = &t->line;
    if (!t->open)
        return;
    line->result = e->host_end.result;
    line->failure = e->host_end.failure;
    line->code = e->host_end.code;
    line->has_code = line->failure != NULL;
    line->took = e->host_end.took;
    line->timed = line->took > 0; /* one that is not registered takes none */
    end(t);
}

static void on_log(struct trace *t, const struct hl_event *e)
{
    t->reported = true;
    if (!t->filter.shown[TRACE_LOG])
        return;
    struct trace_line *line = new_line(t, TRACE_LOG, t->left, level_name(e->log.level));
    line->data = e->log.text;
    line->size = strlen(e->log.text);
    locate(t, true, NULL);
    whole(t);
}

static void on_console(struct trace *t, const struct hl_event *e)
{
    /* The system call that writes it has begun: a line within a line. */
    struct trace_line *outer = malloc(sizeof(*outer));
    json_t *object = t->object;
    bool open = t->open;
    if (e->console.fd != 1 || !outer) {
        free(outer);
        return;
    }
    memcpy(outer, &t->line, sizeof(*outer));
    t->object = NULL;
    struct trace_line *line = new_line(t, TRACE_OUTPUT, t->left, NULL);
    line->data = e->console.data;
    line->size = e->console.size;
    whole(t);
    memcpy(&t->line, outer, sizeof(*outer));
    t->object = object;
    t->open = open;
    free(outer);
}

/* Exits of the ABI's ports have events of their own, unless they break the ABI. */
static void on_served_io(struct trace *t, const struct hl_event *e)
{
    const struct hl_exit *exit = e->served.exit;
    bool mmio = exit->kind == HL_EXIT_MMIO;
    bool read = mmio ? !exit->mmio.write : exit->io.in; /* unanswered: rip is still on it */
    if (e->served.rc == HL_ERR_GUEST_ABORT) {
        new_line(t, TRACE_ABORT, t->left, "abort");
        locate(t, true, NULL);
        t->aborting = true;
    } else if (e->served.rc && !t->reported && t->filter.shown[mmio ? TRACE_MMIO : TRACE_IO]) {
        struct trace_line *line = new_line(t, mmio ? TRACE_MMIO : TRACE_IO, t->left, NULL);
        line->name = mmio ? (read ? "read" : "write") : read ? "in" : "out";
        line->exit = exit;
        line->failure = hl_err_text(e->served.rc);
        locate(t, !read, NULL);
        whole(t);
    }
}

static void on_served(struct trace *t, const struct hl_event *e)
{
    if (e->served.exit->kind == HL_EXIT_IO || e->served.exit->kind == HL_EXIT_MMIO) {
        on_served_io(t, e);
    } else if (t->open) {
        t->line.answered = e->served.answered;
        t->line.answer = e->served.result;
        t->line.took = e->served.ended - e->served.began;
        t->line.timed = e->served.answered;
        end(t);
    }
}

/* "Add failed with code 2: too large": the name and the number are reported apart from the text. */
static const char *reason(const struct trace *t, const struct hl_event *e)
{
    const char *text = e->end.error ? e->end.error->text : hl_err_text(e->end.rc);
    char start[HL_NAME_SIZE + 40];
    int length = snprintf(start, sizeof(start), "%s failed with code %d: ", e->end.name,
                          hl_sandbox_guest_code(t->sandbox));
    bool own = e->end.rc == HL_ERR_GUEST_ERROR && strncmp(text, start, (size_t)length) == 0;
    return own ? text + length : text;
}

static void tell_abort(struct trace *t, const struct hl_event *e)
{
    t->aborting = false;
    t->line.failure = reason(t, e);
    t->line.code = hl_sandbox_guest_code(t->sandbox);
    t->line.has_code = true;
    if (t->filter.shown[TRACE_ABORT])
        whole(t);
}

static void on_end(struct trace *t, const struct hl_event *e)
{
    bool failed = e->end.rc == HL_ERR_GUEST_ERROR, fine = !e->end.rc;
    if (t->aborting)
        tell_abort(t, e);
    t->call = NULL;
    if (!t->filter.shown[TRACE_RESULT])
        return;
    struct trace_line *line = new_line(t, TRACE_RESULT, e->end.ended, e->end.name);
    line->phase = TRACE_RETURN;
    line->run = e->end.what;
    line->result = e->end.result;
    line->failure = fine ? NULL : reason(t, e);
    line->has_code = failed || (fine && e->end.what == HL_RUN_MAIN);
    line->code = failed ? hl_sandbox_guest_code(t->sandbox) : hl_sandbox_exit_status(t->sandbox);
    line->took = e->end.ended - e->end.began;
    line->took -= t->own < line->took ? t->own : line->took;
    line->timed = true;
    whole(t);
}

static void on_restore(struct trace *t, const struct hl_event *e)
{
    if (!t->filter.shown[TRACE_RESULT])
        return;
    struct trace_line *line = new_line(t, TRACE_RESULT, clock_now(), "restore");
    line->phase = TRACE_RESTORE;
    line->took = e->restore.took;
    line->timed = true;
    whole(t);
}

static void on_event(void *opaque, struct hl_sandbox *sandbox, const struct hl_event *e)
{
    static void (*const take[])(struct trace *, const struct hl_event *) = {
        [HL_EVENT_BEGIN] = on_begin,     [HL_EVENT_EXIT] = on_exit_event,
        [HL_EVENT_HOST] = on_host,       [HL_EVENT_HOST_END] = on_host_end,
        [HL_EVENT_CONSOLE] = on_console, [HL_EVENT_LOG] = on_log,
        [HL_EVENT_SERVED] = on_served,   [HL_EVENT_END] = on_end,
        [HL_EVENT_RESTORE] = on_restore,
    };
    struct trace *t = opaque;
    uint64_t began = clock_now();
    (void)sandbox;
    if (e->kind == HL_EVENT_BEGIN)
        t->own = 0;
    take[e->kind](t, e);
    t->own += clock_now() - began;
}

int trace_open(struct trace *t, struct session *session, struct hl_error *error)
{
    const struct options *o = session->options;
    t->session = session;
    pthread_mutex_init(&t->lock, NULL);
    t->start = t->previous = clock_now();
    t->wall = (int64_t)(clock_read(CLOCK_REALTIME) - t->start);
    t->observer = (struct hl_observer){
        .event = on_event, .opaque = t, .kinds = HL_EVENTS_ALL & ~HL_EVENT_BIT(HL_EVENT_DESTROY)};
    /* With JSON on standard output the guest's own output must be in it. */
    if (!o->json)
        t->observer.kinds &= ~HL_EVENT_BIT(HL_EVENT_CONSOLE);
    t->sites = trace_sites_open(session->image);
    if (!t->sites)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    return trace_filter_make(&t->filter, session->image, o->events, o->event_count, error);
}

int trace_attach(struct trace *t, struct hl_error *error)
{
    t->sandbox = t->session->sandbox;
    return hl_sandbox_observe(t->sandbox, &t->observer, error);
}

void trace_detach(struct trace *t)
{
    if (t->sandbox)
        hl_sandbox_unobserve(t->sandbox, &t->observer, NULL);
    t->sandbox = NULL;
}

void trace_close(struct trace *t)
{
    if (!t->session)
        return;
    if (t->memory)
        fclose(t->memory);
    free(t->text);
    json_decref(t->object);
    trace_sites_close(t->sites);
    trace_filter_free(&t->filter);
    pthread_mutex_destroy(&t->lock);
}
