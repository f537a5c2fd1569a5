/* SPDX-License-Identifier: Apache-2.0 */
/* trace/json.c - a JSON object a line, for programs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frames.h"
#include "json.h"
#include "json_write.h"
#include "trace.h"

static void put_key(json_t *o, const char *key, json_t *value)
{
    json_object_set_new(o, key, value);
}

static json_t *text(const char *s)
{
    return json_text(s, strlen(s));
}

/* Bytes are cut as -s says, and then the object says so. */
static json_t *value(const struct trace *t, const struct hl_value *v, bool *cut)
{
    struct hl_value part = *v;
    size_t max = t->session->options->string_max;
    if ((v->type == HL_STRING || v->type == HL_BYTES) && v->len > max) {
        part.len = max;
        *cut = true;
    }
    return json_value(&part);
}

static void put_args(const struct trace *t, json_t *o, const struct trace_line *line)
{
    json_t *list = json_array();
    bool cut = false;
    for (size_t i = 0; i < line->count; i++)
        json_array_append_new(list, value(t, &line->args[i], &cut));
    put_key(o, "args", list);
    if (cut)
        put_key(o, "args_cut", json_true());
}

static void put_result(const struct trace *t, json_t *o, const struct hl_value *v)
{
    bool cut = false;
    put_key(o, "result", value(t, v, &cut));
    if (cut)
        put_key(o, "result_cut", json_true());
}

static json_t *hex(uint64_t number)
{
    return json_sprintf("0x%" PRIx64, number);
}

static void put_fault(json_t *o, const struct hl_exit *exit)
{
    char words[256];
    if (exit->kind != HL_EXIT_FAULT) {
        put_key(o, "message", text(exit->shutdown.why));
        return;
    }
    hl_fault_format(&exit->fault, words, sizeof(words));
    put_key(o, "message", text(words));
    put_key(o, "vector", json_integer(exit->fault.vector));
    put_key(o, "error_code", json_integer(exit->fault.error_code));
    put_key(o, "rip", hex(exit->fault.rip));
    if (exit->fault.vector == 14)
        put_key(o, "address", hex(exit->fault.address));
}

static void put_access(json_t *o, const struct hl_exit *exit)
{
    bool mmio = exit->kind == HL_EXIT_MMIO;
    put_key(o, "address", hex(mmio ? exit->mmio.gpa : exit->io.port));
    put_key(o, "size", json_integer(mmio ? exit->mmio.size : exit->io.size));
    if (!mmio && !exit->io.in)
        put_key(o, "value", hex(exit->io.value));
}

/* A system call's arguments also as they are in the registers. */
static void put_syscall(struct trace *t, json_t *o, const struct trace_line *line)
{
    json_t *raw = json_array();
    t->args =
        (struct trace_args){.json = json_array(), .string_max = t->session->options->string_max};
    trace_args_before(&t->args, hl_sandbox_machine(t->sandbox), line->exit);
    put_key(o, "number", json_integer((json_int_t)line->exit->syscall.number));
    put_key(o, "args", t->args.json);
    for (int i = 0; i < 6; i++)
        json_array_append_new(raw, hex(line->exit->syscall.arg[i]));
    put_key(o, "raw", raw);
}

static void put_head(struct trace *t, json_t *o, const struct trace_line *line)
{
    static const char *const phases[] = {"begin", "end", "restore"};
    static const char *const runs[] = {"start", "call", "main"};
    switch (line->class) {
    case TRACE_HOST:
        put_args(t, o, line);
        break;
    case TRACE_SYSCALL:
        put_syscall(t, o, line);
        break;
    case TRACE_FAULT:
        put_fault(o, line->exit);
        break;
    case TRACE_OUTPUT:
        put_key(o, "fd", json_integer(STDOUT_FILENO));
        put_key(o, "text", json_text(line->data, line->size));
        break;
    case TRACE_LOG:
        put_key(o, "text", json_text(line->data, line->size));
        break;
    case TRACE_RESULT:
        put_key(o, "phase", json_string(phases[line->phase]));
        if (line->phase != TRACE_RESTORE)
            put_key(o, "run", json_string(runs[line->run]));
        if (line->phase == TRACE_BEGIN)
            put_args(t, o, line);
        break;
    case TRACE_IO:
    case TRACE_MMIO:
        put_access(o, line->exit);
        break;
    default:
        break;
    }
}

static void put_failure(json_t *o, const struct trace_line *line)
{
    json_t *error = json_object();
    if (line->has_code)
        put_key(error, "code", json_integer(line->code));
    put_key(error, "message", text(line->failure));
    put_key(o, "error", error);
}

static void put_answer(json_t *o, const struct trace_line *line)
{
    const char *name = trace_args_error(line->answer);
    put_key(o, "result", json_integer(line->answer));
    if (name)
        put_key(
            o, "error",
            json_pack("{s:s, s:s}", "name", name, "message", strerrordesc_np((int)-line->answer)));
}

static void put_tail(struct trace *t, json_t *o, const struct trace_line *line)
{
    if (line->class == TRACE_SYSCALL) {
        trace_args_after(&t->args, hl_sandbox_machine(t->sandbox), line->exit, line->answer);
        if (line->answered)
            put_answer(o, line);
    } else if (line->failure) {
        put_failure(o, line);
    } else if (line->result) {
        put_result(t, o, line->result);
    } else if (line->has_code) {
        put_key(o, "result", json_integer(line->code));
    }
    if (line->timed)
        put_key(o, "duration_ns", json_integer((json_int_t)line->took));
}

static void put_site(const struct trace *t, json_t *o, const struct trace_stack *stack)
{
    const struct hl_frame *f = &stack->frame[stack->site];
    if (t->call)
        put_key(o, "call", text(t->call));
    if (!stack->count)
        return;
    put_key(o, "pc", hex(f->pc));
    if (f->location.function)
        put_key(o, "function", text(f->location.function));
    if (f->location.file) {
        put_key(o, "file", text(f->location.file));
        put_key(o, "line", json_integer(f->location.line));
    }
    if (f->uncertain)
        put_key(o, "uncertain", json_true());
    if (t->session->options->stack_trace)
        put_key(o, "stack", frames_json(stack->frame, stack->count));
}

static void begin(struct trace *t, const struct trace_line *line)
{
    json_t *o = json_object();
    put_key(o, "time_ns", json_integer((json_int_t)(line->time - t->start)));
    put_key(o, "class", json_string(trace_class_name(line->class)));
    if (line->name)
        put_key(o, "name", text(line->name));
    put_head(t, o, line);
    put_site(t, o, &line->stack);
    pthread_mutex_lock(&t->lock);
    t->object = o;
    pthread_mutex_unlock(&t->lock);
}

static void print(struct trace *t, json_t *o)
{
    json_write(t->out, o, 0);
    fputc('\n', t->out);
    fflush(t->out);
    json_decref(o);
}

static void end(struct trace *t, const struct trace_line *line)
{
    pthread_mutex_lock(&t->lock);
    if (t->object) {
        put_tail(t, t->object, line);
        print(t, t->object);
    }
    t->object = NULL;
    pthread_mutex_unlock(&t->lock);
}

static void abandon(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->object) {
        put_key(t->object, "unfinished", json_true());
        print(t, t->object);
    }
    t->object = NULL;
    pthread_mutex_unlock(&t->lock);
}

void trace_json_end(struct trace *t, int status, json_t *error)
{
    json_t *o = json_object();
    put_key(o, "class", json_string(trace_class_name(TRACE_END)));
    put_key(o, "status", json_integer(status));
    if (error)
        json_object_set(o, "error", error);
    print(t, o);
}

const struct trace_writer trace_json = {begin, end, abandon};
