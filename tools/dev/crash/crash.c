/* SPDX-License-Identifier: Apache-2.0 */
#include "crash.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hl/symbols.h>

#include "frames.h"
#include "json.h"
#include "quote.h"
#include "ui.h"

/* A crashed guest, its registers, and where it was called from. */
struct crash {
    struct hl_symbols *symbols;
    struct hl_regs regs;
    struct backtrace stack;
};

static size_t read_guest(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(opaque, gva, buf, size, HL_PROT_READ);
}

static bool look(struct crash *c, struct hl_sandbox *sandbox)
{
    struct hl_machine *machine = hl_sandbox_machine(sandbox);
    bool past = hl_exit_is_behind(hl_machine_last_exit(machine));
    *c = (struct crash){0};
    if (hl_machine_get_regs(machine, &c->regs, NULL))
        return false;
    if (hl_symbols_open(&c->symbols, hl_sandbox_image(sandbox), NULL) == 0)
        backtrace_walk(&c->stack, c->symbols, &c->regs, past, read_guest, machine);
    return true;
}

#define WIDTH 80

/* The two lists a page fault's error code is read from (Intel SDM 3, 4.7). */
static void print_fault(const struct hl_fault *f)
{
    int column = fprintf(stderr, "  vector %u %s, error code 0x%x", f->vector,
                         hl_fault_name(f->vector), f->error_code);
    if (f->vector == 14)
        column += fprintf(stderr, " (%s, %s%s)", f->error_code & 1 ? "protection" : "not mapped",
                          f->error_code & 16  ? "fetch"
                          : f->error_code & 2 ? "write"
                                              : "read",
                          f->error_code & 4 ? ", user" : "");
    if (f->vector == 14)
        fprintf(stderr, ",%saddress 0x%llx",
                column + snprintf(NULL, 0, ", address 0x%llx", (unsigned long long)f->address) >
                        WIDTH
                    ? "\n  "
                    : " ",
                (unsigned long long)f->address);
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

static void hint_code(const struct hl_image *image, hl_gva_t rip)
{
    unsigned long long at = rip - hl_image_bias(image);
    char *guest = quote_word(hl_image_path(image));
    if (guest)
        ui_hint("to look at the code: gdb -batch -ex 'info line *0x%llx' -ex 'disassemble /s "
                "0x%llx,+32' %s",
                at, at, guest);
    free(guest);
}

static void print(const struct crash *c, struct hl_sandbox *sandbox, bool registers)
{
    const struct hl_fault *fault = hl_sandbox_fault(sandbox);
    if (fault)
        print_fault(fault);
    backtrace_print(stderr, &c->stack);
    if (registers)
        registers_print(stderr, &c->regs);
    symbols_hint(c->symbols);
    if (stack_is_full(sandbox, fault))
        ui_hint("the stack is full: --stack SIZE makes it larger, if recursion has an end");
    else if (c->stack.count && !c->stack.frame[0].location.file &&
             !c->stack.frame[0].location.function)
        ui_hint("no symbols for 0x%llx: was the guest stripped?", (unsigned long long)c->regs.rip);
    else
        hint_code(hl_sandbox_image(sandbox), c->regs.rip);
}

static json_t *to_json(const struct crash *c, const struct hl_fault *fault)
{
    json_t *o = json_object();
    if (fault) {
        json_object_set_new(o, "vector", json_integer(fault->vector));
        json_object_set_new(o, "name", json_string(hl_fault_name(fault->vector)));
        json_object_set_new(o, "error_code", json_integer(fault->error_code));
        json_object_set_new(o, "rip", json_sprintf("0x%llx", (unsigned long long)fault->rip));
        if (fault->vector == 14)
            json_object_set_new(o, "address",
                                json_sprintf("0x%llx", (unsigned long long)fault->address));
    }
    json_object_set_new(o, "frames", backtrace_json(&c->stack));
    return o;
}

/* Both forms from one look: names can take their time. */
json_t *crash_report(struct hl_sandbox *sandbox, bool printed, bool registers)
{
    struct crash c;
    bool known = look(&c, sandbox);
    json_t *o = to_json(&c, hl_sandbox_fault(sandbox));
    if (printed && known)
        print(&c, sandbox, registers);
    hl_symbols_close(c.symbols);
    return o;
}
