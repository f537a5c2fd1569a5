/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/call.c - calls into the guest: start, call, main. */
#include "limit.h"
#include "observe.h"
#include "sandbox.h"

#include <string.h>

int sandbox_leave(struct hl_sandbox *sb, int rc, struct hl_error *error)
{
    sb->calling = NULL;
    if (sb->use.frame.guard)
        *sb->use.frame.guard = NULL;
    atomic_store(&sb->call_state, CALL_NONE);
    if (sb->warden)
        sb->warden->ops->leave(sb->warden);
    if (!sandbox_give(sb))
        return rc;
    return hl_error_set(error, HL_ERR_INTERRUPTED, "%s: the sandbox was destroyed meanwhile",
                        hl_err_text(HL_ERR_INTERRUPTED));
}

int sandbox_enter(struct hl_sandbox *sb, struct use_frame frame, struct hl_error *error)
{
    int rc = sandbox_take_in(sb, frame, error);
    if (rc)
        return rc;
    atomic_store(&sb->call_state, CALL_RUNNING); /* from now on it can be interrupted */
    rc = sb->warden ? sb->warden->ops->enter(sb->warden, error) : 0;
    return rc ? sandbox_leave(sb, rc, error) : 0;
}

/* The same, in one state only.  The caller calls sandbox_leave(). */
static int enter(struct hl_sandbox *sb, enum hl_sandbox_state wanted, struct use_frame frame,
                 struct hl_error *error)
{
    static const char *const names[] = {
        [HL_SANDBOX_NEW] = "has not been started",
        [HL_SANDBOX_READY] = "has been started already",
        [HL_SANDBOX_POISONED] = "is poisoned by an earlier failure",
        [HL_SANDBOX_DEAD] = "is dead: its guest has exited",
    };
    int rc = sandbox_enter(sb, frame, error);
    if (rc)
        return rc;
    if (sb->state != wanted)
        rc = hl_error_set(error, HL_ERR_STATE, "the sandbox %s", names[sb->state]);
    else if (sb->rewound)
        rc = sandbox_start_again(sb, error);
    return rc ? sandbox_leave(sb, rc, error) : 0;
}

static void run_begin(struct hl_sandbox *sb)
{
    sb->killed_by = 0;
    if (sb->limit)
        limit_begin(sb->limit);
}

/* From now on it is too late for an interrupt. */
static int run_end(struct hl_sandbox *sb, int rc, struct hl_error *error)
{
    atomic_store(&sb->call_state, CALL_NONE);
    if (rc != HL_ERR_INTERRUPTED) /* after an interrupt, a restore frees it */
        arena_trim(sb, &sb->host_args);
    return sb->limit ? limit_end(sb->limit, rc, error) : rc;
}

static int run(struct hl_sandbox *sb, struct hl_error *error)
{
    run_begin(sb);
    return run_end(sb, sandbox_run(sb, error), error);
}

static void begin(struct hl_sandbox *sb, enum hl_run what, const char *name,
                  const struct hl_value *args, size_t count)
{
    sb->span = (struct span){true, what, name, observes(sb, HL_EVENT_END) ? clock_now() : 0};
    if (observes(sb, HL_EVENT_BEGIN)) {
        const struct hl_event e = {.kind = HL_EVENT_BEGIN, .begin = {what, name, args, count}};
        observe(sb, &e);
    }
}

static void end(struct hl_sandbox *sb, int rc, const struct hl_value *result,
                const struct hl_error *error)
{
    const struct span *span = &sb->span;
    sb->span.open = false;
    if (!observes(sb, HL_EVENT_END))
        return;
    const struct hl_event e = {.kind = HL_EVENT_END,
                               .end = {.what = span->what,
                                       .name = span->name,
                                       .rc = rc,
                                       .result = rc ? NULL : result,
                                       .error = rc ? error : NULL,
                                       .began = span->began,
                                       .ended = clock_now()}};
    observe(sb, &e);
}

static int poison(struct hl_sandbox *sb, int rc)
{
    if (rc && rc != HL_ERR_GUEST_ERROR && sb->state == HL_SANDBOX_READY)
        sb->state = HL_SANDBOX_POISONED;
    return rc;
}

/* ---- calls that do not return ---- */

void sandbox_abandon(struct hl_sandbox *sb)
{
    struct hl_error error;
    int rc = hl_error_set(&error, HL_ERR_HOST_FUNCTION, "the program left the call: by %s",
                          "an exception, longjmp() or the end of its thread");
    bool open = sb->span.open;
    sb->use.frame = (struct use_frame){0}; /* the frame no longer exists */
    if (sb->in_host)
        host_abandon(sb, &error);
    if (sb->limit)
        limit_end(sb->limit, rc, NULL);
    arena_trim(sb, &sb->host_args);
    sb->killed_by = 0;
    poison(sb, rc);
    if (open)
        end(sb, rc, NULL, &error);
    sandbox_leave(sb, rc, NULL);
}

void sandbox_guard(struct hl_sandbox **sb)
{
    if (*sb)
        sandbox_abandon(*sb);
}

static int unexpected(const struct hl_message *m, struct hl_error *error)
{
    return sandbox_protocol(error, "message %u instead of a result", m->kind);
}

static int start_once(struct hl_sandbox *sb, struct hl_error *error)
{
    sb->state = HL_SANDBOX_READY;
    sb->rewound = false;
    sb->input_used = sizeof(*sb->input);
    begin(sb, HL_RUN_START, "start", NULL, 0);
    int rc = run(sb, error);
    struct hl_message ready = sb->output->message;
    if (!rc && ready.kind != HL_MSG_READY)
        rc = unexpected(&ready, error);
    poison(sb, rc);
    end(sb, rc, NULL, error);
    return rc;
}

/* A debugger may ask for a restart again while it runs: the program does not see that. */
static int start(struct hl_sandbox *sb, struct hl_error *error)
{
    int rc = start_once(sb, error);
    while (rc == HL_ERR_INTERRUPTED && sb->warden) {
        struct hl_error why;
        atomic_store(&sb->call_state, CALL_RUNNING);
        int again = sb->warden->ops->start_again(sb->warden, &why);
        if (again == HL_ERR_STATE)
            break;
        if (again && error)
            *error = why;
        rc = again ? again : start_once(sb, error);
    }
    return rc;
}

int sandbox_start_again(struct hl_sandbox *sb, struct hl_error *error)
{
    if (!sb->rewound)
        return 0;
    int rc = sb->host_of_import ? 0 : host_link(sb, error);
    if (!rc)
        rc = start(sb, error);
    atomic_store(&sb->call_state, CALL_RUNNING);
    return rc;
}

int hl_sandbox_start(struct hl_sandbox *sb, struct hl_error *error)
{
    SANDBOX_GUARD(guard);
    int rc = enter(sb, HL_SANDBOX_NEW, THIS_FRAME(guard), error);
    if (rc)
        return rc;
    rc = host_link(sb, error);
    if (!rc && sb->cloned)
        sb->state = HL_SANDBOX_READY;
    else if (!rc)
        rc = start(sb, error);
    return sandbox_leave(sb, rc, error);
}

static int check_args(const struct hl_sandbox *sb, const struct hl_function *f,
                      const struct hl_value *args, size_t count, struct hl_error *error)
{
    const struct hl_signature *s = &f->signature;
    char text[256];
    hl_signature_format(f->name, s, text, sizeof(text));
    if (count != s->count)
        return hl_error_set(error, HL_ERR_SIGNATURE, "%zu argument%s for %s", count,
                            count == 1 ? "" : "s", text);
    for (size_t i = 0; i < count; i++) {
        if (args[i].type != s->args[i])
            return hl_error_set(error, HL_ERR_SIGNATURE, "argument %zu is a %s, wanted: %s", i + 1,
                                hl_type_name(args[i].type), text);
        bool data = args[i].type == HL_STRING || args[i].type == HL_BYTES;
        if (data && args[i].len && !args[i].data)
            return hl_error_set(error, HL_ERR_ARGUMENT, "argument %zu of %s has no data", i + 1,
                                f->name);
        if (message_lacks_len(&args[i])) {
            hl_error_set(error, HL_ERR_ARGUMENT,
                         "argument %zu of %s: a string with a length of 0 that is not empty", i + 1,
                         f->name);
            hl_error_hint(error, "set .len, or make the value with hl_string()");
            return HL_ERR_ARGUMENT;
        }
        if (args[i].type == HL_STRING && args[i].len && memchr(args[i].data, 0, args[i].len)) {
            hl_error_set(error, HL_ERR_SIGNATURE, "argument %zu of %s: a string with a NUL in it",
                         i + 1, f->name);
            hl_error_hint(error, "use the type bytes for binary data");
            return HL_ERR_SIGNATURE;
        }
    }
    if (!message_fits(sb, sizeof(struct hl_input), args, count)) {
        hl_error_set(error, HL_ERR_LIMIT,
                     "the arguments of %s do not fit the input buffer (%zu "
                     "bytes)",
                     f->name, sb->config.input);
        hl_error_hint(error, "give the sandbox a larger input buffer (hl-dev: --input SIZE)");
        return HL_ERR_LIMIT;
    }
    return 0;
}

/* Formatting a signature is slow: only a wrong call pays for it. */
static bool args_are_plain(const struct hl_function *f, const struct hl_value *args, size_t count)
{
    if (count != f->signature.count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (args[i].type != f->signature.args[i] || args[i].type >= HL_STRING)
            return false;
    return true;
}

static int take_result(struct hl_sandbox *sb, const struct hl_function *f, struct hl_value *result,
                       struct hl_error *error)
{
    struct hl_message m = sb->output->message; /* the only copy */
    if (m.kind == HL_MSG_ERROR) {
        char text[sizeof(error->text)];
        message_text(sb, &m, text, sizeof(text));
        sb->guest_code = m.code;
        return hl_error_set(error, HL_ERR_GUEST_ERROR, "%s failed with code %d: %s", f->name,
                            m.code, text);
    }
    if (m.kind != HL_MSG_RESULT)
        return unexpected(&m, error);
    if (message_is_dead(sb, &m)) {
        sb->guest_code = -1;
        hl_error_set(error, HL_ERR_GUEST_ERROR, "%s returned %s in its own stack frame, now freed",
                     f->name, m.slot[0].type == HL_STRING ? "a string" : "bytes");
        hl_error_hint(error, "return a literal, static or heap memory, or hl_format()");
        return HL_ERR_GUEST_ERROR;
    }
    return message_get(sb, &m, &f->signature.result, 1, &sb->result, result, error);
}

static int call(struct hl_sandbox *sb, size_t index, const struct hl_value *args, size_t count,
                struct hl_value *result, struct hl_error *error)
{
    const struct hl_function *f = hl_image_function(sb->image, index);
    if (!args_are_plain(f, args, count)) {
        int rc = check_args(sb, f, args, count, error);
        if (rc)
            return rc;
    }
    struct hl_message *m = &sb->input->call;
    struct hl_value value;
    sb->calling = f->name;
    begin(sb, HL_RUN_CALL, f->name, args, count);
    run_begin(sb);
    sb->input_used = message_put(sb, m, sizeof(struct hl_input), args, count);
    m->kind = HL_MSG_CALL;
    m->index = (uint32_t)index;
    sandbox_count(&sb->counts.calls);
    int rc = sandbox_run(sb, error);
    if (!rc)
        rc = take_result(sb, f, &value, error);
    rc = run_end(sb, rc, error);
    poison(sb, rc);
    end(sb, rc, &value, error);
    if (!rc && result)
        *result = value;
    return rc;
}

int hl_sandbox_call_index(struct hl_sandbox *sb, size_t index, const struct hl_value *args,
                          size_t count, struct hl_value *result, struct hl_error *error)
{
    SANDBOX_GUARD(guard);
    int rc = enter(sb, HL_SANDBOX_READY, THIS_FRAME(guard), error);
    if (rc)
        return rc;
    if (index >= hl_image_function_count(sb->image))
        rc = hl_error_set(error, HL_ERR_NO_FUNCTION, "the guest has no function number %zu", index);
    else if (count && !args)
        rc = hl_error_set(error, HL_ERR_ARGUMENT, "no arguments given");
    else
        rc = call(sb, index, args, count, result, error);
    return sandbox_leave(sb, rc, error);
}

int hl_sandbox_call(struct hl_sandbox *sb, const char *name, const struct hl_value *args,
                    size_t count, struct hl_value *result, struct hl_error *error)
{
    if (!sb || !name)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox or no name");
    int index = hl_image_require(sb->image, name, error);
    return index < 0 ? index : hl_sandbox_call_index(sb, (size_t)index, args, count, result, error);
}

static int run_main(struct hl_sandbox *sb, int *status, struct hl_error *error)
{
    if (!(hl_image_flags(sb->image) & HL_NOTE_MAIN))
        return hl_error_set(error, HL_ERR_NO_MAIN, "%s: %s", hl_image_path(sb->image),
                            hl_err_text(HL_ERR_NO_MAIN));
    sb->input->call.kind = HL_MSG_MAIN;
    sb->input->call.count = 0;
    sb->input_used = sizeof(*sb->input);
    sandbox_count(&sb->counts.calls);
    sb->calling = "main";
    begin(sb, HL_RUN_MAIN, "main", NULL, 0);
    int rc = run(sb, error);
    if (!rc) {
        struct hl_message m = sb->output->message;
        rc = unexpected(&m, error);
    }
    poison(sb, rc);
    if (rc == HL_ERR_EXITED) {
        rc = 0;
        if (status)
            *status = sb->exit_status;
    }
    end(sb, rc, NULL, error);
    return rc;
}

int hl_sandbox_main(struct hl_sandbox *sb, int *status, struct hl_error *error)
{
    SANDBOX_GUARD(guard);
    int rc = enter(sb, HL_SANDBOX_READY, THIS_FRAME(guard), error);
    if (rc)
        return rc;
    rc = run_main(sb, status, error);
    return sandbox_leave(sb, rc, error);
}
