/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "ui.h"

static void print_frame(FILE *out, size_t number, const struct hl_frame *f)
{
    const struct hl_location *l = &f->location;
    if (f->inlined)
        fprintf(out, "  #%-2zu %-18s in ", number, "(inlined)");
    else
        fprintf(out, "  #%-2zu 0x%016llx in ", number, (unsigned long long)f->pc);
    if (l->function) {
        fputs(ui_bold(out), out);
        ui_clean(out, l->function);
        fputs(ui_plain(out), out);
        if (!l->file)
            fprintf(out, "+0x%llx", (unsigned long long)l->offset);
    } else {
        fputs("??", out);
    }
    if (l->file) {
        fputs(" at ", out);
        ui_clean(out, l->file);
        fprintf(out, ":%d", l->line);
    }
    fputs(f->uncertain ? "  (a guess: no unwind information)\n" : "\n", out);
}

/* ---- which are shown ------------------------------------------------------------------------ */

#define PLACES_MAX ((size_t)1 << 17) /* 2 MiB of stack in the smallest of frames */
#define HEAD_MAX 48                  /* frames, of FRAMES_MAX */
#define TAIL_RUNS 16                 /* places; a recursion is one */
#define MEMO 256

struct walked {
    struct hl_symbols *symbols;
    struct hl_place *place;
    size_t count;
    struct {
        hl_gva_t at;
        size_t frames;
    } memo[MEMO];
};

static size_t run_length(const struct walked *w, size_t from)
{
    size_t n = 1;
    while (from + n < w->count && w->place[from + n].at == w->place[from].at)
        n++;
    return n;
}

/* Number of frames at a place, including inlined ones. */
static size_t frames_at(struct walked *w, hl_gva_t at)
{
    size_t i = (size_t)(at * 0x9e3779b97f4a7c15u >> 32) % MEMO;
    struct hl_frame frame[FRAMES_MAX];
    if (!w->memo[i].frames || w->memo[i].at != at) {
        w->memo[i].frames = hl_symbols_expand(w->symbols, at, frame, FRAMES_MAX);
        w->memo[i].at = at;
    }
    return w->memo[i].frames;
}

/* Show the place; the number of the first frame after its run. */
static size_t add_run(struct backtrace *b, struct walked *w, size_t from, size_t length,
                      size_t number)
{
    const struct hl_place *p = &w->place[from];
    size_t n = hl_symbols_expand(w->symbols, p->at, b->frame + b->count, FRAMES_MAX - b->count);
    for (size_t i = b->count; i < b->count + n; i++) {
        b->frame[i].pc = p->pc;
        b->frame[i].cfa = p->cfa;
        b->frame[i].uncertain = p->uncertain;
        b->number[i] = number + i - b->count;
        b->again[i] = 0;
    }
    b->count += n;
    if (n)
        b->again[b->count - 1] = length - 1;
    return number + n * length;
}

/* Where the last runs start. */
static size_t tail_start(const struct walked *w)
{
    size_t at = w->count;
    for (size_t runs = 0; at > 0 && runs < TAIL_RUNS; runs++) {
        at--;
        while (at > 0 && w->place[at - 1].at == w->place[at].at)
            at--;
    }
    return at;
}

static void choose(struct backtrace *b, struct walked *w)
{
    size_t tail = tail_start(w), number = 0, at = 0, n;
    for (; at < w->count && (at >= tail || b->count < HEAD_MAX); at += n) {
        n = run_length(w, at);
        number = add_run(b, w, at, n, number);
    }
    b->after = b->count;
    for (; at < tail; at++)
        b->omitted += frames_at(w, w->place[at].at);
    number += b->omitted;
    for (; at < w->count && b->count < FRAMES_MAX; at += n) {
        n = run_length(w, at);
        number = add_run(b, w, at, n, number);
    }
    b->cut = at < w->count || w->count == PLACES_MAX;
}

void backtrace_walk(struct backtrace *b, struct hl_symbols *symbols, const struct hl_regs *regs,
                    bool past, hl_read_fn *read, void *opaque)
{
    struct walked w = {.symbols = symbols, .place = malloc(PLACES_MAX * sizeof(*w.place))};
    *b = (struct backtrace){.count = 0};
    if (w.place) {
        w.count = hl_symbols_walk(symbols, regs, past, read, opaque, w.place, PLACES_MAX);
        choose(b, &w);
    }
    free(w.place);
}

void missing_hint(const char *missing)
{
    ui_hint("its debug information cannot be read in full: %s", missing);
}

void symbols_hint(const struct hl_symbols *symbols)
{
    const char *missing = hl_symbols_missing(symbols);
    if (missing)
        missing_hint(missing);
}

/* ---- printing ------------------------------------------------------------------------------- */

void backtrace_print(FILE *f, const struct backtrace *b)
{
    for (size_t i = 0; i < b->count; i++) {
        if (i == b->after && b->omitted)
            fprintf(f, "       ... %zu frames more\n", b->omitted);
        print_frame(f, b->number[i], &b->frame[i]);
        if (b->again[i])
            fprintf(f, "       ... the same %zu times more\n", b->again[i]);
    }
    if (b->cut)
        fputs("       ... and so on\n", f);
}

static json_t *frame_json(const struct hl_frame *f)
{
    const struct hl_location *l = &f->location;
    json_t *o = json_object();
    json_object_set_new(o, "pc", json_sprintf("0x%llx", (unsigned long long)f->pc));
    if (l->function)
        json_object_set_new(o, "function", json_text(l->function, strlen(l->function)));
    if (l->file) {
        json_object_set_new(o, "file", json_text(l->file, strlen(l->file)));
        json_object_set_new(o, "line", json_integer(l->line));
    }
    json_object_set_new(o, "inlined", json_boolean(f->inlined));
    json_object_set_new(o, "uncertain", json_boolean(f->uncertain));
    return o;
}

json_t *frames_json(const struct hl_frame *frame, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, frame_json(&frame[i]));
    return list;
}

json_t *backtrace_json(const struct backtrace *b)
{
    json_t *list = json_array();
    for (size_t i = 0; i < b->count; i++) {
        json_t *o = frame_json(&b->frame[i]);
        json_object_set_new(o, "number", json_integer((json_int_t)b->number[i]));
        if (b->again[i])
            json_object_set_new(o, "again", json_integer((json_int_t)b->again[i]));
        json_array_append_new(list, o);
    }
    return list;
}

#define REGISTERS 20

struct named {
    const char *name;
    uint64_t value;
};

static void list_registers(const struct hl_regs *r, struct named list[REGISTERS])
{
    const struct named all[REGISTERS] = {
        {"rax", r->rax}, {"rbx", r->rbx},      {"rcx", r->rcx},    {"rdx", r->rdx},
        {"rsi", r->rsi}, {"rdi", r->rdi},      {"rbp", r->rbp},    {"rsp", r->rsp},
        {"r8", r->r8},   {"r9", r->r9},        {"r10", r->r10},    {"r11", r->r11},
        {"r12", r->r12}, {"r13", r->r13},      {"r14", r->r14},    {"r15", r->r15},
        {"rip", r->rip}, {"flags", r->rflags}, {"fs", r->fs_base}, {"gs", r->gs_base},
    };
    memcpy(list, all, sizeof(all));
}

void registers_print(FILE *f, const struct hl_regs *regs)
{
    struct named list[REGISTERS];
    list_registers(regs, list);
    for (size_t i = 0; i < REGISTERS; i++)
        fprintf(f, "  %5s %016llx%s", list[i].name, (unsigned long long)list[i].value,
                i % 3 == 2 || i + 1 == REGISTERS ? "\n" : "");
}

json_t *registers_json(const struct hl_regs *regs)
{
    struct named list[REGISTERS];
    json_t *o = json_object();
    list_registers(regs, list);
    for (size_t i = 0; i < REGISTERS; i++)
        json_object_set_new(o, list[i].name,
                            json_sprintf("0x%llx", (unsigned long long)list[i].value));
    return o;
}
