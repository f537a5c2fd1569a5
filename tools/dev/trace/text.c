/* SPDX-License-Identifier: Apache-2.0 */
/* trace/text.c - a line an exit, as strace has them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "quote.h"
#include "trace.h"
#include "ui.h"
#include "value_text.h"

#define SITE_MIN 24 /* the column grows with what is in it, so that lines stay aligned, ... */
#define SITE_MAX 56 /* ... up to here */

static void put_stamp(struct trace *t, FILE *f, uint64_t time)
{
    uint64_t since = time - (t->session->options->stamps == STAMPS_DELTA ? t->previous : t->start);
    int64_t wall = (int64_t)time + t->wall;
    time_t seconds = (time_t)(wall / 1000000000);
    struct tm tm;
    t->previous = time;
    if (t->session->options->stamps == STAMPS_CLOCK && localtime_r(&seconds, &tm))
        fprintf(f, "%02d:%02d:%02d.%06d ", tm.tm_hour, tm.tm_min, tm.tm_sec,
                (int)(wall / 1000 % 1000000));
    else
        fprintf(f, "%6" PRIu64 ".%06" PRIu64 " ", since / 1000000000, since / 1000 % 1000000);
}

/* "src/hello.c:51 main", "main+0x12", "0x401234"; a question mark after a guess. */
static void site_text(const struct hl_frame *f, char *text, size_t size)
{
    const struct hl_location *l = &f->location;
    const char *guess = f->uncertain ? "?" : "";
    if (l->file)
        snprintf(text, size, "%s:%d %s%s", l->file, l->line, l->function ? l->function : "", guess);
    else if (l->function)
        snprintf(text, size, "%s+0x%" PRIx64 "%s", l->function, l->offset, guess);
    else
        snprintf(text, size, "0x%" PRIx64 "%s", f->pc, guess);
}

static void put_site(struct trace *t, FILE *f, const struct trace_stack *stack)
{
    char text[512];
    if (!stack->count)
        return;
    site_text(&stack->frame[stack->site], text, sizeof(text));
    unsigned length = (unsigned)strlen(text);
    if (t->width < SITE_MIN)
        t->width = SITE_MIN;
    if (length > t->width)
        t->width = length < SITE_MAX ? length : SITE_MAX;
    ui_clean(f, text);
    fprintf(f, "%*s ", (int)(length < t->width ? t->width - length : 0), "");
}

static void put_args(const struct trace *t, FILE *f, const struct trace_line *line)
{
    for (size_t i = 0; i < line->count; i++) {
        fputs(i ? ", " : "", f);
        value_print(f, &line->args[i], t->session->options->string_max);
    }
}

static void put_name(const struct trace *t, FILE *f, const char *name)
{
    fputs(t->bold, f);
    ui_clean(f, name);
    fputs(t->plain, f);
}

static void put_call(const struct trace *t, FILE *f, const struct trace_line *line)
{
    put_name(t, f, line->name);
    fputc('(', f);
    put_args(t, f, line);
    fputc(')', f);
}

/* The first run of a sandbox is no function's. */
static void put_run(const struct trace *t, FILE *f, const struct trace_line *line)
{
    if (line->phase == TRACE_RESTORE) {
        fputs("--- restored", f);
        return;
    }
    fputs(line->phase == TRACE_BEGIN ? ">>> " : "<<< ", f);
    if (line->run == HL_RUN_START)
        put_name(t, f, "start-up");
    else if (line->phase == TRACE_BEGIN)
        put_call(t, f, line);
    else
        put_name(t, f, line->name);
}

static void put_fault(FILE *f, const struct hl_exit *exit)
{
    char text[256];
    if (exit->kind == HL_EXIT_FAULT) {
        hl_fault_format(&exit->fault, text, sizeof(text));
        fprintf(f, "--- %s %s", hl_fault_name(exit->fault.vector), text);
    } else {
        fputs("--- shutdown: ", f);
        ui_clean(f, exit->shutdown.why);
    }
    fputs(" ---", f);
}

static void put_access(FILE *f, const struct hl_exit *exit)
{
    if (exit->kind == HL_EXIT_MMIO)
        fprintf(f, "%s(gpa 0x%" PRIx64 ", %u)", exit->mmio.write ? "write" : "read", exit->mmio.gpa,
                exit->mmio.size);
    else if (exit->io.in)
        fprintf(f, "in(0x%x, %u)", exit->io.port, exit->io.size);
    else
        fprintf(f, "out(0x%x, %u, 0x%x)", exit->io.port, exit->io.size, exit->io.value);
}

/* What is known of a line when it begins. */
static void put_head(struct trace *t, FILE *f, const struct trace_line *line)
{
    switch (line->class) {
    case TRACE_HOST:
        put_call(t, f, line);
        break;
    case TRACE_SYSCALL:
        put_name(t, f, line->name);
        fputc('(', f);
        t->args = (struct trace_args){.text = f, .string_max = t->session->options->string_max};
        trace_args_before(&t->args, hl_sandbox_machine(t->sandbox), line->exit);
        break;
    case TRACE_FAULT:
        fputs(t->red, f);
        put_fault(f, line->exit);
        fputs(t->plain, f);
        break;
    case TRACE_LOG:
        fprintf(f, "[%s] ", line->name);
        quote(f, line->data, line->size, t->session->options->string_max);
        break;
    case TRACE_RESULT:
        put_run(t, f, line);
        break;
    case TRACE_ABORT:
        fprintf(f, "%s--- ", t->red);
        ui_clean(f, line->failure);
        fprintf(f, " ---%s", t->plain);
        break;
    case TRACE_INTERRUPT:
        fputs("--- interrupt ---", f);
        break;
    default:
        put_access(f, line->exit);
    }
}

static void put_failure(const struct trace *t, FILE *f, const struct trace_line *line)
{
    fputs(" = ", f);
    fputs(t->red, f);
    if (line->has_code)
        fprintf(f, "error %d: ", line->code);
    else
        fputs("? ", f);
    ui_clean(f, line->failure);
    fputs(t->plain, f);
}

static void put_took(FILE *f, uint64_t ns)
{
    if (ns < 1000)
        fprintf(f, " <%" PRIu64 " ns>", ns);
    else if (ns < 1000000)
        fprintf(f, " <%" PRIu64 " us>", ns / 1000);
    else if (ns < 1000000000)
        fprintf(f, " <%.2f ms>", (double)ns / 1e6);
    else
        fprintf(f, " <%.3f s>", (double)ns / 1e9);
}

/* What is known when it is over. */
static void put_tail(const struct trace *t, FILE *f, const struct trace_line *line)
{
    if (line->class == TRACE_SYSCALL && line->answered) {
        fputs(" = ", f);
        trace_args_result(f, line->exit, line->answer);
    } else if (line->class == TRACE_SYSCALL) {
        fputs(" = ?", f);
    } else if (line->class == TRACE_ABORT) {
        ; /* the failure is its head */
    } else if (line->failure) {
        put_failure(t, f, line);
    } else if (line->result) {
        fputs(" = ", f);
        value_print(f, line->result, t->session->options->string_max);
    } else if (line->has_code) {
        fprintf(f, " = %d", line->code);
    }
    if (line->timed)
        put_took(f, line->took);
    fputs(line->class == TRACE_RESULT && line->phase == TRACE_RESTORE ? " ---\n" : "\n", f);
}

static void put_stack(const struct trace *t, FILE *f, const struct trace_stack *stack)
{
    char text[512];
    for (size_t i = 0; t->session->options->stack_trace && i < stack->count; i++) {
        site_text(&stack->frame[i], text, sizeof(text));
        fprintf(f, "%16s", "> ");
        ui_clean(f, text);
        fputs(stack->frame[i].inlined ? " (inlined)\n" : "\n", f);
    }
}

static void start_text(struct trace *t, const struct trace_line *line, uint64_t time)
{
    t->memory = open_memstream(&t->text, &t->text_size);
    if (!t->memory)
        return;
    if (!t->plain) /* once: they ask the terminal */
        t->bold = ui_bold(t->out), t->red = ui_red(t->out), t->plain = ui_plain(t->out);
    put_stamp(t, t->memory, time);
    put_site(t, t->memory, &line->stack);
}

/* A line of ours starts one. */
static void write_text(struct trace *t, bool starts)
{
    if (!t->memory)
        return;
    fclose(t->memory);
    t->memory = NULL;
    if (starts && t->mid_line && *t->mid_line)
        fputc('\n', t->out);
    if (t->mid_line)
        *t->mid_line = false;
    if (t->shares_stdout)
        t->session->console.mid_line = false;
    fwrite(t->text, 1, t->text_size, t->out);
    fflush(t->out);
    free(t->text);
    t->text = NULL;
}

/* A host function may take its time, and say something itself: what it was asked comes first. */
static void begin(struct trace *t, const struct trace_line *line)
{
    pthread_mutex_lock(&t->lock);
    start_text(t, line, line->time);
    if (t->memory)
        put_head(t, t->memory, line);
    if (line->class == TRACE_HOST) {
        t->shown = t->memory != NULL;
        t->broken = false;
        write_text(t, true);
    }
    pthread_mutex_unlock(&t->lock);
}

static void put_resumed(const struct trace *t, FILE *f, const char *name)
{
    fputs("<... ", f);
    put_name(t, f, name);
    fputs(" resumed>", f);
}

static void end(struct trace *t, const struct trace_line *line)
{
    /* What it has printed without a newline belongs in front of its result. */
    if (line->class == TRACE_HOST)
        fflush(stderr);
    if (line->class == TRACE_HOST && t->shares_stdout)
        fflush(stdout);
    pthread_mutex_lock(&t->lock);
    bool shown = t->shown;
    if (shown && !t->broken) {
        t->memory = open_memstream(&t->text, &t->text_size);
    } else if (shown) {
        start_text(t, line, line->time + line->took);
        if (t->memory)
            put_resumed(t, t->memory, line->name);
    } else if (t->memory && line->class == TRACE_SYSCALL) {
        trace_args_after(&t->args, hl_sandbox_machine(t->sandbox), line->exit, line->answer);
        fputc(')', t->memory);
    }
    if (t->memory) {
        put_tail(t, t->memory, line);
        put_stack(t, t->memory, &line->stack);
    }
    write_text(t, !shown || t->broken);
    t->shown = t->broken = false;
    pthread_mutex_unlock(&t->lock);
}

void trace_text_interrupt(struct trace *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->shown && !t->broken) {
        fputs(" <unfinished ...>\n", t->out);
        fflush(t->out);
        t->broken = true;
    }
    pthread_mutex_unlock(&t->lock);
}

const struct trace_writer trace_text = {begin, end, trace_text_interrupt};
