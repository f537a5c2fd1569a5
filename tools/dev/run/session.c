/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "debugger.h"
#include "plugin.h"
#include "signals.h"
#include "ui.h"
#include "watchdog.h"

static void on_console(void *opaque, int fd, const void *data, size_t size)
{
    struct session *s = opaque;
    console_write(&s->console, s->options, fd, data, size, debugger_has_console(s));
}

static void on_log(void *opaque, int level, const char *text)
{
    static const char *const names[] = {"log", "error", "warn", "info", "debug"};
    struct session *s = opaque;
    if (s->options->quiet)
        return;
    fflush(stdout);
    fprintf(stderr, "[%s] ", level > 0 && level < 5 ? names[level] : names[0]);
    ui_clean(stderr, text);
    fputc('\n', stderr);
}

/* Calls come from the command line, else from hl.ini, whose @FILEs are relative to the project. */
static int parse_calls(struct session *s, struct hl_error *error)
{
    const struct options *o = s->options;
    bool own = o->call_count > 0;
    size_t count = own ? o->call_count : s->project.call_count;
    s->expr = calloc(count + 1, sizeof(*s->expr));
    s->text = calloc(count + 1, sizeof(*s->text));
    if (!s->expr || !s->text)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    for (size_t i = 0; i < count; i++) {
        s->text[i] = own ? o->call[i] : s->project.call[i];
        int rc =
            expr_parse(&s->expr[i], s->text[i], s->image, own ? NULL : s->project.directory, error);
        if (rc)
            return own ? rc : project_blame(&s->project, i, error);
        s->expr_count++;
    }
    return 0;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static int create_sandbox(struct session *s, struct hl_error *error)
{
    const struct options *o = s->options;
    const struct project *p = &s->project;
    const char **argv = calloc((size_t)o->arg_count + 2, sizeof(*argv));
    size_t needed = 0;
    if (!argv)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    argv[0] = p->guest;
    for (int i = 0; i < o->arg_count && !o->under_gdb; i++)
        argv[i + 1] = o->args[i];
    for (size_t i = 0; i < s->expr_count; i++)
        needed = larger(needed, expr_input_size(&s->expr[i]));
    struct hl_sandbox_config config = {
        .size = sizeof(config),
        .argv = argv,
        .console = on_console,
        .log = on_log,
        .opaque = s,
        .no_debugger = o->gdb,
    };
    options_sizes(o, p, &config);
    /* Room for large arguments, unless the author set a size; half of it stays for host calls. */
    if (!config.input && 2 * needed > HL_BUFFER_DEFAULT)
        config.input = 2 * needed;
    int rc = hl_sandbox_create(&s->sandbox, s->image, &config, error);
    free(argv);
    return rc;
}

void session_end(struct session *s)
{
    watchdog_guard(s->watchdog, NULL);
    if (s->sandbox && s->ending)
        s->ending(s);
    hl_sandbox_destroy(s->sandbox);
    hl_snapshot_destroy(s->snapshot);
    console_end(&s->console, s->options);
    s->sandbox = NULL;
    s->snapshot = NULL;
    watchdog_reports(s->watchdog);
}

int session_take_snapshot(struct session *s, struct hl_error *error)
{
    hl_snapshot_destroy(s->snapshot);
    s->snapshot = NULL;
    return s->options->restore ? hl_snapshot_take(&s->snapshot, s->sandbox, error) : 0;
}

static int start(struct session *s, struct hl_error *error)
{
    session_end(s);
    watchdog_guard(s->watchdog, NULL); /* no report follows: another sandbox does */
    int rc = create_sandbox(s, error);
    if (!rc && s->plugin)
        rc = plugin_register(s->plugin, s->sandbox, error);
    if (!rc && s->created)
        rc = s->created(s, error);
    if (!rc && s->options->gdb)
        rc = debugger_serve(s, error);
    if (rc)
        return rc;
    watchdog_guard(s->watchdog, s->sandbox);
    rc = hl_sandbox_start(s->sandbox, error);
    return rc ? rc : session_take_snapshot(s, error);
}

/* A call of such an import is an error value in the guest, which few guests look at. */
static void warn_missing(struct session *s)
{
    const struct hl_function *f;
    size_t n;
    if (s->options->quiet || s->warned)
        return;
    s->warned = true;
    for (n = 0; (f = hl_sandbox_missing(s->sandbox, n)); n++)
        ui_warning("no host function %s: the guest's calls of it fail", f->name);
    if (n)
        ui_hint("--host FILE names a shared object that registers host functions");
}

int session_start(struct session *s, struct hl_error *error)
{
    int rc = start(s, error);
    if (!rc)
        warn_missing(s);
    return rc;
}

/* main() ends its sandbox, and with it the debugger's session. */
static int check_repeat(const struct session *s, struct hl_error *error)
{
    if (!s->options->gdb || s->options->repeat == 1 || s->expr_count)
        return 0;
    hl_error_set(error, HL_ERR_ARGUMENT, "--repeat of main() under a debugger");
    hl_error_hint(error, "GDB starts it again: target extended-remote, then `run`");
    return HL_ERR_ARGUMENT;
}

static int start_watchdog(struct session *s, struct hl_error *error)
{
    const struct options *o = s->options;
    double timeout = o->has_timeout ? o->timeout : s->project.timeout;
    bool in_order = o->gdb || o->observed;
    if (timeout <= 0 && !in_order)
        return 0;
    if (in_order)
        signals_hold();
    s->watchdog =
        watchdog_start(timeout, o->gdb && !(o->stop_at && strcmp(o->stop_at, "none") == 0));
    if (!s->watchdog)
        return hl_error_set(error, HL_ERR_SYSTEM, "cannot start a thread for the time limit");
    if (in_order)
        signals_watch(s->watchdog);
    return 0;
}

static int load_plugin(struct session *s, struct hl_error *error)
{
    const char *host = s->options->host ? s->options->host : s->project.host;
    return host ? plugin_load(&s->plugin, host, error) : 0;
}

int session_open(struct session *s, const struct options *o, struct hl_error *error)
{
    s->options = o;
    int rc = debugger_take_streams(s, error);
    if (!rc)
        rc = project_open(&s->project, o->target, error);
    if (!rc)
        rc = project_build(&s->project, !o->verbose, error);
    if (!rc)
        rc = hl_image_open(&s->image, s->project.guest, error);
    if (!rc)
        rc = parse_calls(s, error);
    if (!rc && !s->expr_count && !(hl_image_flags(s->image) & HL_NOTE_MAIN)) {
        rc = hl_error_set(error, HL_ERR_NO_MAIN,
                          "%s: the guest has no main(), and no call is given", s->project.guest);
    }
    if (!rc)
        rc = load_plugin(s, error);
    if (!rc)
        rc = check_repeat(s, error);
    if (!rc)
        rc = start_watchdog(s, error);
    return rc;
}

void session_close(struct session *s)
{
    session_end(s);
    signals_stop();
    int status;
    bool died = watchdog_reason(s->watchdog, &status) == WATCHDOG_SIGNAL;
    watchdog_stop(s->watchdog);
    for (size_t i = 0; i < s->expr_count; i++)
        expr_free(&s->expr[i]);
    free(s->expr);
    free(s->text);
    console_free(&s->console);
    hl_image_close(s->image);
    if (s->plugin)
        dlclose(s->plugin);
    project_free(&s->project);
    if (died)
        signals_die(status);
}
