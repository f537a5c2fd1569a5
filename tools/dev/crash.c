/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <stdio.h>
#include <string.h>

#include <hl/symbols.h>

#include "json.h"
#include "ui.h"

#define FRAMES 64

/* A crashed guest, its registers, and where it was called from. */
struct crash {
    struct hl_symbols *symbols;
    struct hl_regs regs;
    struct hl_frame frame[FRAMES];
    size_t frames;
};

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, HL_PROT_READ);
}

/* Where rip is behind the instruction: after #BP and #OF, and after an exit the guest asked for. */
static bool stands_behind(struct hl_sandbox *sandbox, int code)
{
    const struct hl_fault *f = hl_sandbox_fault(sandbox);
    return f ? f->vector == 3 || f->vector == 4 : code != HL_ERR_INTERRUPTED;
}

static bool look(struct crash *c, struct hl_sandbox *sandbox, int code)
{
    bool behind = stands_behind(sandbox, code);
    struct hl_machine *machine = hl_sandbox_machine(sandbox);
    *c = (struct crash){0};
    if (hl_machine_get_regs(machine, &c->regs, NULL))
        return false;
    if (hl_symbols_open(&c->symbols, hl_sandbox_image(sandbox), NULL) == 0)
        c->frames = hl_symbols_backtrace(c->symbols, &c->regs, behind, read_guest, machine,
                                         c->frame, FRAMES);
    return true;
}

static void print_frame(size_t number, const struct hl_frame *f)
{
    const struct hl_location *l = &f->location;
    if (f->inlined)
        fprintf(stderr, "  #%-2zu %-18s in ", number, "(inlined)");
    else
        fprintf(stderr, "  #%-2zu 0x%016llx in ", number, (unsigned long long)f->pc);
    if (l->function) {
        fputs(ui_bold(stderr), stderr);
        ui_clean(stderr, l->function);
        fputs(ui_plain(stderr), stderr);
        if (!l->file)
            fprintf(stderr, "+0x%llx", (unsigned long long)l->offset);
    } else {
        fputs("??", stderr);
    }
    if (l->file) {
        fputs(" at ", stderr);
        ui_clean(stderr, l->file);
        fprintf(stderr, ":%d", l->line);
    }
    fputs(f->uncertain ? "  (a guess: no unwind information)\n" : "\n", stderr);
}

static bool same_place(const struct hl_frame *a, const struct hl_frame *b)
{
    return a->pc == b->pc && a->inlined == b->inlined && a->location.line == b->location.line;
}

/* A recursion is told once, with how often. */
static void print_frames(const struct crash *c)
{
    for (size_t i = 0, same = 0; i < c->frames; i++) {
        bool folded = i && same_place(&c->frame[i], &c->frame[i - 1]);
        same += folded;
        if (same && (!folded || i + 1 == c->frames)) {
            fprintf(stderr, "       ... the same %zu times more\n", same);
            same = 0;
        }
        if (!folded)
            print_frame(i, &c->frame[i]);
    }
    if (c->frames == FRAMES)
        fputs("       ... and so on\n", stderr);
}

static void print_registers(const struct hl_regs *r)
{
    const struct {
        const char *name;
        uint64_t value;
    } list[] = {
        {"rax", r->rax}, {"rbx", r->rbx},      {"rcx", r->rcx},    {"rdx", r->rdx},
        {"rsi", r->rsi}, {"rdi", r->rdi},      {"rbp", r->rbp},    {"rsp", r->rsp},
        {"r8", r->r8},   {"r9", r->r9},        {"r10", r->r10},    {"r11", r->r11},
        {"r12", r->r12}, {"r13", r->r13},      {"r14", r->r14},    {"r15", r->r15},
        {"rip", r->rip}, {"flags", r->rflags}, {"fs", r->fs_base}, {"gs", r->gs_base},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
        fprintf(stderr, "  %5s %016llx%s", list[i].name, (unsigned long long)list[i].value,
                i % 4 == 3 ? "\n" : "");
}

/* The two lists a page fault's error code is read from (Intel SDM 3, 4.7). */
static void print_fault(const struct hl_fault *f)
{
    fprintf(stderr, "  vector %u %s, error code 0x%x", f->vector, hl_fault_name(f->vector),
            f->error_code);
    if (f->vector == 14)
        fprintf(stderr, " (%s, %s%s), address 0x%llx",
                f->error_code & 1 ? "protection" : "not mapped",
                f->error_code & 16  ? "fetch"
                : f->error_code & 2 ? "write"
                                    : "read",
                f->error_code & 4 ? ", user" : "", (unsigned long long)f->address);
    fputc('\n', stderr);
}

/* The guard below the stack is where a guest gets that calls too deep. */
static bool stack_is_full(const struct hl_sandbox *sandbox, const struct hl_fault *f)
{
    const struct hl_region *r;
    for (size_t i = 0; f && f->vector == 14 && (r = hl_sandbox_region(sandbox, i)); i++)
        if (strcmp(r->name, "stack") == 0)
            return f->address < r->start && r->start - f->address <= HL_GUARD_SIZE;
    return false;
}

void crash_print(struct hl_sandbox *sandbox, int code, bool registers)
{
    struct crash c;
    const struct hl_fault *fault = hl_sandbox_fault(sandbox);
    if (!look(&c, sandbox, code))
        return;
    if (fault)
        print_fault(fault);
    print_frames(&c);
    if (registers)
        print_registers(&c.regs);
    if (stack_is_full(sandbox, fault))
        ui_hint(
            "the stack is full: --stack SIZE gives more, unless a function calls itself for ever");
    else if (c.frames && !c.frame[0].location.file && !c.frame[0].location.function)
        ui_hint("no symbols for 0x%llx: was the guest stripped?", (unsigned long long)c.regs.rip);
    else
        ui_hint("to look at the code: gdb -batch -ex 'info line *0x%llx' -ex 'disassemble /s "
                "0x%llx,+32' '%s'",
                (unsigned long long)(c.regs.rip - hl_image_bias(hl_sandbox_image(sandbox))),
                (unsigned long long)(c.regs.rip - hl_image_bias(hl_sandbox_image(sandbox))),
                hl_image_path(hl_sandbox_image(sandbox)));
    hl_symbols_close(c.symbols);
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

json_t *crash_json(struct hl_sandbox *sandbox, int code)
{
    struct crash c;
    const struct hl_fault *fault = hl_sandbox_fault(sandbox);
    json_t *o = json_object(), *frames = json_array();
    if (fault) {
        json_object_set_new(o, "vector", json_integer(fault->vector));
        json_object_set_new(o, "name", json_string(hl_fault_name(fault->vector)));
        json_object_set_new(o, "error_code", json_integer(fault->error_code));
        json_object_set_new(o, "rip", json_sprintf("0x%llx", (unsigned long long)fault->rip));
        if (fault->vector == 14)
            json_object_set_new(o, "address",
                                json_sprintf("0x%llx", (unsigned long long)fault->address));
    }
    if (look(&c, sandbox, code)) {
        for (size_t i = 0; i < c.frames; i++)
            json_array_append_new(frames, frame_json(&c.frame[i]));
        hl_symbols_close(c.symbols);
    }
    json_object_set_new(o, "frames", frames);
    return o;
}
