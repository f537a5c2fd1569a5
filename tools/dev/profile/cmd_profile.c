/* SPDX-License-Identifier: Apache-2.0 */
/* profile/cmd_profile.c - hl-dev profile: run a guest and show where its exits and time went. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "frames.h"
#include "output.h"
#include "profile_render.h"
#include "progress.h"
#include "calls.h"
#include "session.h"
#include "ui.h"
#include "watchdog.h"

#define RATE_DEFAULT 997 /* in step with nothing */

/* One profile for all sandboxes of the session; commands are not run twice in a process. */
static struct {
    struct hl_profile *profile;
    struct progress *progress;
    struct output output;
    const json_t *old;
    struct profile_options render;
    pid_t process;
    bool over; /* shown, or there was nothing to show */
} job;

static int created(struct session *s, struct hl_error *error)
{
    const struct options *o = s->options;
    const struct hl_profile_config config = {
        .size = sizeof(config),
        .rate_hz = !o->cpu   ? 0
                   : o->rate ? o->rate
                             : RATE_DEFAULT,
        .pages = o->memory,
    };
    int rc = job.profile ? 0 : hl_profile_create(&job.profile, s->image, &config, error);
    if (!rc)
        rc = hl_profile_attach(job.profile, s->sandbox, error);
    if (!rc)
        progress_watch(job.progress, s->sandbox);
    return rc;
}

static int render(const json_t *document, struct hl_error *error)
{
    int rc = profile_render(job.output.file, document, &job.render, error);
    int closed = output_close(&job.output, rc == 0, rc ? NULL : error);
    return rc ? rc : closed;
}

static int show(struct hl_error *error)
{
    char *text = NULL;
    job.over = true;
    json_error_t why;
    int rc = hl_profile_json(job.profile, &text, error);
    json_t *document = rc ? NULL : json_loads(text, 0, &why);
    free(text);
    const char *missing = json_string_value(json_object_get(document, "missing"));
    if (missing)
        missing_hint(missing);
    if (!rc)
        rc = document ? render(document, error)
                      : hl_error_set(error, HL_ERR_MEMORY, "the profile: %s", why.text);
    json_decref(document);
    return rc;
}

/*
 * The program is about to end because a host function hangs or called exit(): the profile so far is
 * still written.  A child of the program writes nothing.
 */
static void last_words(void)
{
    struct hl_error error;
    if (job.over || job.process != getpid())
        return;
    progress_clear();
    if (job.profile && show(&error))
        ui_library_error(&error);
    else if (!job.profile)
        output_close(&job.output, false, NULL);
    fflush(stdout);
}

static int profile_guest(struct session *s, const struct options *o)
{
    json_t *results = json_pack("{s:[]}", "calls");
    struct hl_error error;
    int status;
    job.progress = progress_start(o->quiet);
    job.process = getpid();
    at_quick_exit(last_words);
    atexit(last_words);
    if (session_open(s, o, &error))
        status = session_failed(s, &error, results);
    else
        status = session_calls(s, results);
    session_end(s);
    progress_stop(job.progress);
    json_decref(results);
    if (!o->quiet && watchdog_reason(s->watchdog, NULL) == WATCHDOG_SIGNAL)
        ui_warning("interrupted: the profile covers the run up to that point");
    bool failed = job.profile && show(&error);
    if (failed)
        status = ui_library_error(&error);
    else if (!job.profile)
        output_close(&job.output, false, NULL);
    job.over = true;
    hl_profile_destroy(job.profile);
    return failed ? status : ui_finish(status); /* one error is enough */
}

static int show_file(const struct options *o)
{
    struct hl_error error;
    json_t *document = NULL;
    int rc = profile_load(&document, o->from, &error);
    if (!rc)
        rc = render(document, &error);
    else
        output_close(&job.output, false, NULL);
    json_decref(document);
    return rc ? ui_library_error(&error) : ui_finish(EXIT_FINE);
}

static int profile(struct session *s, const struct options *o)
{
    struct hl_error error;
    json_t *old = NULL;
    int rc = o->diff ? profile_load(&old, o->diff, &error) : 0;
    if (!rc)
        rc = output_open(&job.output, o->file, &error);
    if (rc) {
        json_decref(old);
        return ui_library_error(&error);
    }
    job.render = o->profile;
    job.render.old = old;
    job.render.color = o->profile.format == PROFILE_TABLE && *ui_bold(job.output.file);
    int status = o->from ? show_file(o) : profile_guest(s, o);
    json_decref(old);
    return status;
}

int cmd_profile(int argc, char **argv)
{
    struct options options;
    struct session session = {.created = created};
    int status = options_parse(&options, COMMAND_PROFILE, argc, argv);
    if (status < 0) {
        status = profile(&session, &options);
        session_close(&session);
    }
    options_free(&options);
    return status;
}
