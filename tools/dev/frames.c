/* SPDX-License-Identifier: Apache-2.0 */
#include "frames.h"

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

static bool same_place(const struct hl_frame *a, const struct hl_frame *b)
{
    return a->pc == b->pc && a->inlined == b->inlined && a->location.line == b->location.line;
}

void frames_print(FILE *f, const struct hl_frame *frame, size_t count)
{
    for (size_t i = 0, same = 0; i < count; i++) {
        bool folded = i && same_place(&frame[i], &frame[i - 1]);
        same += folded;
        if (same && (!folded || i + 1 == count)) {
            fprintf(f, "       ... the same %zu times more\n", same);
            same = 0;
        }
        if (!folded)
            print_frame(f, i, &frame[i]);
    }
    if (count == FRAMES_MAX)
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
