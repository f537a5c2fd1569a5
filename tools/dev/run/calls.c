/* SPDX-License-Identifier: Apache-2.0 */
/* run/calls.c - make a session's calls, or run its main(), and print what comes of them. */
#include <string.h>

#include "clock.h"
#include "crash.h"
#include "debugger.h"
#include "json.h"
#include "progress.h"
#include "quote.h"
#include "calls.h"
#include "session.h"
#include "ui.h"
#include "value_text.h"
#include "watchdog.h"

/* Instead of a status: the debugger asked to run everything again; the end was not asked for. */
enum { STATUS_AGAIN = -1, STATUS_NONE = -2 };

double session_now_ms(void)
{
    return (double)clock_now() / 1e6;
}

void session_print_counts(const struct session *s, double ms)
{
    struct hl_counts c;
    hl_sandbox_counts(s->sandbox, &c);
    fprintf(stderr,
            "%.3f ms; %llu exits: %llu calls, %llu host calls, %llu system calls (%llu unknown),\n"
            "    %llu log lines, %llu faults, %llu interrupts\n",
            ms, (unsigned long long)c.exits, (unsigned long long)c.calls,
            (unsigned long long)c.host_calls, (unsigned long long)c.syscalls,
            (unsigned long long)c.unknown_syscalls, (unsigned long long)c.logs,
            (unsigned long long)c.faults, (unsigned long long)c.interrupts);
}

/* An end that was asked for is not an error: its status, or STATUS_NONE. */
static int wished_end(struct session *s, const struct hl_error *error)
{
    int status;
    if (error->code != HL_ERR_INTERRUPTED)
        return STATUS_NONE;
    switch (watchdog_reason(s->watchdog, &status)) {
    case WATCHDOG_SIGNAL:
    case WATCHDOG_GDB_GONE:
        return status;
    case WATCHDOG_TIMEOUT:
        return STATUS_NONE;
    case WATCHDOG_NONE:
    default:
        break;
    }
    switch (s->sandbox ? hl_sandbox_debug_wish(s->sandbox) : HL_DEBUG_NOTHING) {
    case HL_DEBUG_RESTARTED:
        return STATUS_AGAIN;
    case HL_DEBUG_KILLED:
        if (s->options->verbose)
            fputs("killed from the debugger\n", stderr);
        return EXIT_FINE;
    case HL_DEBUG_NOTHING:
    default:
        return STATUS_NONE;
    }
}

/* gdb may leave as soon as it has seen the end, so it need not be attached any more. */
static bool seen_by_gdb(const struct session *s)
{
    return s->options->under_gdb && s->sandbox &&
           (hl_sandbox_debug_saw_end(s->sandbox) || hl_sandbox_debug_attached(s->sandbox));
}

/* The error of the run counts: an error of the core file is only printed. */
static void write_core(struct session *s, json_t *into)
{
    const char *path = s->options->core;
    struct hl_error error;
    if (!path)
        return;
    if (hl_sandbox_core(s->sandbox, path, &error)) {
        ui_warning("%s", error.text);
        return;
    }
    json_object_set_new(json_object_get(into, "crash"), "core", json_text(path, strlen(path)));
    char *core = quote_word(path), *guest = quote_word(hl_image_path(s->image));
    if (core && guest)
        ui_hint("the guest is in a core file: hl-dev core %s, or gdb %s %s", core, guest, core);
    free(core);
    free(guest);
}

static void report(struct session *s, const struct hl_error *error, bool stopped, json_t *into)
{
    /* The user of a debugger on the stopped guest has seen more than this could show. */
    json_object_set_new(into, "error", json_error(error));
    ui_error(0, "%s", error->text);
    if (stopped) {
        watchdog_reports(s->watchdog);
        json_object_set_new(into, "crash",
                            crash_report(s->sandbox, !seen_by_gdb(s), s->options->verbose));
    }
    if (error->hint[0] && !seen_by_gdb(s))
        ui_hint("%s", error->hint);
    if (stopped)
        write_core(s, into);
}

/* A call's or the whole run's end: what is printed of it in either form. */
static int call_failed(struct session *s, struct hl_error *error, json_t *into)
{
    int status = wished_end(s, error);
    if (status != -2)
        return status;
    status = ui_status(error->code);
    /* Stopped in its tracks, by itself or by the clock: where was it? */
    bool stopped = s->sandbox && hl_sandbox_state(s->sandbox) == HL_SANDBOX_POISONED;
    if (error->code == HL_ERR_ARGUMENT)
        status = EXIT_USAGE; /* hl.ini and expressions are part of the command line, so to speak */
    if (watchdog_reason(s->watchdog, NULL) == WATCHDOG_TIMEOUT) {
        status = EXIT_TIMEOUT;
        hl_error_set(error, HL_ERR_INTERRUPTED, "time limit reached, the guest was interrupted");
    }
    /* exit() in a constructor is how a program can end, too. */
    if (error->code == HL_ERR_EXITED && !s->expr_count)
        status = hl_sandbox_exit_status(s->sandbox);
    report(s, error, stopped, into);
    return status;
}

int session_failed(struct session *s, struct hl_error *error, json_t *document)
{
    return call_failed(s, error, document);
}

/* A trace has it in its own lines. */
static bool in_document(const struct session *s)
{
    return s->options->json && !s->options->observed;
}

static void print_call(struct session *s, size_t i, const struct hl_value *value)
{
    if (s->options->json || s->options->quiet)
        return;
    /* A result is a line of its own, also after output that ended without one. */
    FILE *f = s->options->stdout_taken ? stderr : stdout;
    progress_clear();
    fputs(s->console.mid_line ? "\n" : "", f);
    ui_clean(f, s->text[i]);
    fputs(" = ", f);
    s->console.mid_line = false;
    value_print(f, value, SIZE_MAX);
    putc('\n', f);
    fflush(f);
}

/* A string or bytes can be a quarter of a gigabyte: it is written from where it lies. */
static void put_value(struct session *s, json_t *into, const struct hl_value *v)
{
    bool large = s->list.f && (v->type == HL_STRING || v->type == HL_BYTES);
    json_t *value = large ? json_string("") : json_value(v);
    s->raw = (struct json_raw){large ? value : NULL, v->data, v->len, v->type == HL_BYTES};
    json_object_set_new(into, "value", value);
}

/* *ended: no call comes after it, whatever the status says. */
static int do_call(struct session *s, size_t i, json_t *into, bool *ended)
{
    struct hl_value value;
    struct hl_error error;
    const struct expr *e = &s->expr[i];
    const struct hl_function *f = hl_image_function(s->image, e->function);
    double start = session_now_ms();
    json_object_set_new(into, "call", json_text(s->text[i], strlen(s->text[i])));
    json_object_set_new(into, "function", json_string(f->name));
    int rc = hl_sandbox_call_index(s->sandbox, e->function, e->value, e->count, &value, &error);
    double took = session_now_ms() - start;
    *ended = rc != 0;
    if (rc)
        return call_failed(s, &error, into);
    json_object_set_new(into, "type", json_string(hl_type_name(value.type)));
    if (in_document(s))
        put_value(s, into, &value);
    json_object_set_new(into, "ms", json_ms(took));
    print_call(s, i, &value);
    if (s->options->verbose) {
        ui_clean(stderr, s->text[i]);
        fprintf(stderr, ": %.3f ms\n", took);
    }
    return EXIT_FINE;
}

static int restore_and_call(struct session *s, size_t i, json_t *into, bool *ended)
{
    struct hl_error error;
    *ended = s->snapshot && hl_sandbox_restore(s->sandbox, s->snapshot, &error);
    return *ended ? call_failed(s, &error, into) : do_call(s, i, into, ended);
}

static int do_calls(struct session *s, json_t *document)
{
    json_t *calls = json_object_get(document, "calls");
    int status = EXIT_FINE;
    bool ended = false;
    json_array_clear(calls);
    for (unsigned long n = 0; n < s->options->repeat && !ended; n++)
        for (size_t i = 0; i < s->expr_count && !ended; i++) {
            json_t *into = json_object();
            s->raw.at = NULL;
            status = restore_and_call(s, i, into, &ended);
            if (s->list.f)
                json_list_item(&s->list, into, &s->raw);
            else if (in_document(s))
                json_array_append(calls, into);
            json_decref(into);
        }
    return status;
}

static int do_main(struct session *s, json_t *document)
{
    struct hl_error error;
    int exit_status = 0;
    for (unsigned long n = 0; n < s->options->repeat && !exit_status; n++) {
        int rc = !n            ? 0
                 : s->snapshot ? hl_sandbox_restore(s->sandbox, s->snapshot, &error)
                               : session_start(s, &error);
        if (rc)
            return call_failed(s, &error, document);
        if (hl_sandbox_main(s->sandbox, &exit_status, &error))
            return call_failed(s, &error, document);
    }
    json_object_set_new(document, "exit_status", json_integer(exit_status));
    return exit_status;
}

static bool stops(const struct session *s)
{
    return !s->options->stop_at || strcmp(s->options->stop_at, "none") != 0;
}

/* The guest was quicker than gdb, and did not come to where it was to wait. */
static void await_gdb(const struct session *s)
{
    bool early = false;
    while (watchdog_reason(s->watchdog, NULL) == WATCHDOG_NONE &&
           !hl_sandbox_debug_attached(s->sandbox) &&
           hl_sandbox_debug_wait_gone(s->sandbox, 20) != 0)
        early = true;
    if (early && s->options->stop_at)
        ui_warning("the guest has ended without a stop at %s", s->options->stop_at);
}

static int do_all(struct session *s, json_t *document)
{
    return s->expr_count ? do_calls(s, document) : do_main(s, document);
}

static int start_and_do_all(struct session *s, json_t *document)
{
    struct hl_error error;
    return session_start(s, &error) ? call_failed(s, &error, document) : do_all(s, document);
}

/* What --restore goes back to has been made by the start that is now done again. */
static int start_afresh(struct session *s, json_t *document)
{
    struct hl_error error;
    json_object_del(document, "error");
    json_object_del(document, "crash");
    json_object_del(document, "exit_status");
    return session_take_snapshot(s, &error) ? call_failed(s, &error, document)
                                            : do_all(s, document);
}

/* A debugger may want it all again, while it runs or when it is over. */
static int again_and_again(struct session *s, json_t *document)
{
    int status = start_and_do_all(s, document);
    for (;; status = start_afresh(s, document)) {
        if (status == STATUS_AGAIN)
            continue;
        if (!s->options->gdb || !s->sandbox || watchdog_reason(s->watchdog, NULL) != WATCHDOG_NONE)
            return status;
        if (s->options->under_gdb || stops(s))
            await_gdb(s);
        hl_sandbox_debug_finish(s->sandbox, status);
        if (hl_sandbox_debug_wish(s->sandbox) != HL_DEBUG_RESTARTED)
            return status;
    }
}

int session_calls(struct session *s, json_t *document)
{
    int status = again_and_again(s, document);
    s->seen = s->sandbox && hl_sandbox_debug_saw_end(s->sandbox);
    return status;
}
