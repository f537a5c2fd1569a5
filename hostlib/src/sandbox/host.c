/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/host.c - host functions: register, link to the guest's imports, call. */
#include "limit.h"
#include "observe.h"
#include "sandbox.h"
#include "source.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int find_host(const struct hl_sandbox *sb, const char *name)
{
    for (size_t i = 0; i < sb->host_count; i++)
        if (strcmp(sb->hosts[i].name, name) == 0)
            return (int)i;
    return -1;
}

static int add_host(struct hl_sandbox *sb, const char *name, const struct hl_signature *signature,
                    hl_host_fn *fn, void *opaque, struct hl_error *error)
{
    char *copy = strdup(name);
    struct host_function *hosts =
        copy ? realloc(sb->hosts, (sb->host_count + 1) * sizeof(*hosts)) : NULL;
    if (!hosts) {
        free(copy);
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    }
    sb->hosts = hosts;
    sb->hosts[sb->host_count++] =
        (struct host_function){.name = copy, .signature = *signature, .fn = fn, .opaque = opaque};
    return 0;
}

int hl_sandbox_register(struct hl_sandbox *sb, const char *name, const char *signature,
                        hl_host_fn *fn, void *opaque, struct hl_error *error)
{
    struct hl_signature parsed;
    if (!sb || !name || !fn)
        return hl_error_set(error, HL_ERR_ARGUMENT, "host function without a name or a function");
    int rc = sandbox_take(sb, error);
    if (rc)
        return rc;
    if (sb->state != HL_SANDBOX_NEW)
        rc = hl_error_set(error, HL_ERR_STATE, "host function %s: the sandbox has been started",
                          name);
    else if (!*name || strlen(name) >= HL_NAME_SIZE)
        rc = hl_error_set(error, HL_ERR_ARGUMENT, "host function name of %zu characters",
                          strlen(name));
    else if (hl_signature_parse(signature, &parsed))
        rc =
            hl_error_set(error, HL_ERR_ARGUMENT,
                         "host function %s: bad signature \"%s\"; an example: \"i32(i32, string)\"",
                         name, signature ? signature : "");
    else if (find_host(sb, name) >= 0)
        rc = hl_error_set(error, HL_ERR_ARGUMENT, "host function %s is registered already", name);
    else
        rc = add_host(sb, name, &parsed, fn, opaque, error);
    sandbox_give(sb);
    return rc;
}

int host_link(struct hl_sandbox *sb, struct hl_error *error)
{
    size_t count = hl_image_import_count(sb->image);
    free(sb->host_of_import); /* from a start that failed */
    free(sb->import_calls);
    sb->host_of_import = calloc(count + 1, sizeof(*sb->host_of_import));
    sb->import_calls = calloc(count + 1, sizeof(*sb->import_calls));
    if (!sb->host_of_import || !sb->import_calls)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    for (size_t i = 0; i < count; i++) {
        const struct hl_function *import = hl_image_import(sb->image, i);
        int host = find_host(sb, import->name);
        sb->host_of_import[i] = host;
        if (host < 0 || hl_signature_equal(&sb->hosts[host].signature, &import->signature))
            continue;
        char wants[256], has[256];
        hl_signature_format(import->name, &import->signature, wants, sizeof(wants));
        hl_signature_format(import->name, &sb->hosts[host].signature, has, sizeof(has));
        return hl_error_set(error, HL_ERR_SIGNATURE, "the guest imports %s, the host offers %s",
                            wants, has);
    }
    return 0;
}

const struct hl_function *hl_sandbox_missing(const struct hl_sandbox *sb, size_t n)
{
    size_t count = sb->host_of_import ? hl_image_import_count(sb->image) : 0;
    for (size_t i = 0; i < count; i++)
        if (sb->host_of_import[i] < 0 && n-- == 0)
            return hl_image_import(sb->image, i);
    return NULL;
}

/* The payload of a reply goes after that of the call in progress. */
static void reply_error(struct hl_sandbox *sb, int code, const char *text)
{
    struct hl_message *reply = &sb->input->reply;
    struct hl_value message = {.type = HL_STRING, .data = text, .len = strlen(text)};
    while (message.len && !message_fits(sb, sb->input_used, &message, 1))
        message.len /= 2;
    if (!message_fits(sb, sb->input_used, &message, 1)) {
        /* No room for even a NUL: point at the reply's own zeroed last slot. */
        reply->slot[HL_MAX_ARGS - 1] = (struct hl_slot){0};
        reply->slot[0] =
            (struct hl_slot){.type = HL_STRING,
                             .bits = sb->region[REGION_INPUT].start +
                                     offsetof(struct hl_input, reply.slot[HL_MAX_ARGS - 1])};
        reply->count = 1;
    } else {
        message_put(sb, reply, sb->input_used, &message, 1);
    }
    reply->kind = HL_MSG_ERROR;
    reply->code = code ? code : HL_ERR_HOST_FUNCTION;
}

/* The outcome of a host function, as reported to the guest. */
struct outcome {
    struct hl_value result;
    int code; /* 0: success */
    char text[sizeof(((struct hl_error *)0)->text)];
    uint64_t began, took;
};

static void __attribute__((format(printf, 3, 4)))
fail(struct outcome *o, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(o->text, sizeof(o->text), format, args);
    va_end(args);
    o->code = code;
}

/* The program's own function may return a wrong value. */
static void check_result(const struct hl_sandbox *sb, const struct hl_function *host,
                         struct outcome *o)
{
    const struct hl_value *r = &o->result;
    bool data = r->type == HL_STRING || r->type == HL_BYTES;
    if (r->type != host->signature.result)
        fail(o, HL_ERR_HOST_FUNCTION, "host function %s returned a %s instead of a %s", host->name,
             hl_type_name(r->type), hl_type_name(host->signature.result));
    else if (data && r->len && !r->data)
        fail(o, HL_ERR_HOST_FUNCTION, "host function %s returned %zu bytes at NULL", host->name,
             r->len);
    else if (message_lacks_len(r))
        fail(o, HL_ERR_HOST_FUNCTION,
             "host function %s returned a string with a length of 0 that is not empty", host->name);
    else if (r->type == HL_STRING && r->len && memchr(r->data, 0, r->len))
        fail(o, HL_ERR_HOST_FUNCTION, "host function %s returned a string with a NUL in it",
             host->name);
    else if (!message_fits(sb, sb->input_used, r, 1))
        fail(o, HL_ERR_LIMIT, "the result of host function %s does not fit the input buffer",
             host->name);
}

static void run_host(struct hl_sandbox *sb, const struct source_call *call, struct outcome *o)
{
    struct hl_error failure = {0};
    o->result = (struct hl_value){.type = call->import->signature.result};
    if (sb->limit)
        limit_host_begin(sb->limit);
    o->began = observes(sb, HL_EVENT_HOST_END) ? clock_now() : 0;
    int rc = sb->source->ops->call_host(sb->source, call, &o->result, &failure);
    o->took = observes(sb, HL_EVENT_HOST_END) ? clock_now() - o->began : 0;
    if (sb->limit)
        limit_host_end(sb->limit);
    failure.text[sizeof(failure.text) - 1] = 0;
    if (rc)
        fail(o, rc, "%s", failure.text[0] ? failure.text : hl_err_text(HL_ERR_HOST_FUNCTION));
    else
        check_result(sb, call->import, o);
}

static void observe_host(struct hl_sandbox *sb, const struct hl_function *import,
                         const struct hl_value *args, bool registered)
{
    const struct hl_event e = {.kind = HL_EVENT_HOST, .host = {import, args, registered}};
    observe(sb, &e);
}

static void observe_host_end(struct hl_sandbox *sb, const struct hl_function *import,
                             const struct outcome *o)
{
    const struct hl_event e = {.kind = HL_EVENT_HOST_END,
                               .host_end = {.function = import,
                                            .result = o->code ? NULL : &o->result,
                                            .failure = o->code ? o->text : NULL,
                                            .code = o->code,
                                            .began = o->began,
                                            .took = o->took}};
    observe(sb, &e);
}

static void reply(struct hl_sandbox *sb, const struct outcome *o)
{
    struct hl_message *message = &sb->input->reply;
    if (o->code) {
        reply_error(sb, o->code, o->text);
        return;
    }
    message_put(sb, message, sb->input_used, &o->result, 1);
    message->kind = HL_MSG_RESULT;
    message->code = 0;
}

int host_call(struct hl_sandbox *sb, const struct hl_message *message, struct hl_error *error)
{
    struct hl_value args[HL_MAX_ARGS];
    struct outcome o;
    if (message->index >= hl_image_import_count(sb->image))
        return sandbox_protocol(error, "a call of import %u, which does not exist", message->index);
    const struct hl_function *import = hl_image_import(sb->image, message->index);
    int index = sb->host_of_import[message->index];
    const struct hl_signature *s = &import->signature;
    bool answered = index >= 0 || sb->source->ops->answers_all;
    bool read = answered || observes(sb, HL_EVENT_HOST);
    int rc = read ? message_get(sb, message, s->args, s->count, &sb->host_args, args, error)
                  : message_check(sb, message, s->args, s->count, error);
    if (rc)
        return rc == HL_ERR_INTERRUPTED ? RUN_ON : rc; /* seen before the next entry */
    o.code = 0;
    o.began = o.took = 0;
    sb->in_host = import;
    if (observes(sb, HL_EVENT_HOST))
        observe_host(sb, import, args, index >= 0);
    if (answered)
        run_host(sb,
                 &(struct source_call){.sandbox = sb,
                                       .import = import,
                                       .args = args,
                                       .fn = index >= 0 ? sb->hosts[index].fn : NULL,
                                       .opaque = index >= 0 ? sb->hosts[index].opaque : NULL},
                 &o);
    else
        fail(&o, HL_ERR_NO_FUNCTION, "host function %s is not registered", import->name);
    sb->in_host = NULL;
    if (observes(sb, HL_EVENT_HOST_END))
        observe_host_end(sb, import, &o);
    reply(sb, &o);
    return RUN_ON;
}

void host_abandon(struct hl_sandbox *sb, const struct hl_error *error)
{
    const struct hl_function *import = sb->in_host;
    struct outcome o = {.began = clock_now()};
    fail(&o, error->code, "%s", error->text);
    sb->in_host = NULL;
    if (observes(sb, HL_EVENT_HOST_END))
        observe_host_end(sb, import, &o);
}

void host_free(struct hl_sandbox *sb)
{
    for (size_t i = 0; i < sb->host_count; i++)
        free(sb->hosts[i].name);
    free(sb->hosts);
    free(sb->host_of_import);
    free(sb->import_calls);
    arena_free(&sb->host_args);
}
