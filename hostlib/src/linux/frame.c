/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/frame.c - the stack frame of a signal handler, with the layout of Linux on x86-64.
 *
 * From the handler's stack pointer up: the return address, struct ucontext, siginfo; above them,
 * aligned to 64, the vector state in XSAVE format.  The handler returns into rt_sigreturn(), which
 * reads back from the frame what the handler may have changed.  Nothing in it is trusted.
 */
#include "linux.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "general.h"
#include "machine_cpu.h"
#include "machine_debug.h"
#include "x86.h"

#define RED_ZONE 128 /* System V ABI AMD64, 3.2.2 */
#define XSAVE_MXCSR 24
#define XSAVE_SOFTWARE 464 /* for software: Linux describes the area there */
#define XSAVE_HEADER 512
#define XSAVE_LEAST (XSAVE_HEADER + 64)
#define XCR0_LEGACY 3ull /* present without XSAVE, too */
#define RFLAGS_DF (1u << 10)
#define RFLAGS_RF (1u << 16)
#define MXCSR_DEFAULT 0x1f80u
#define MXCSR_MASK 0xffffu
#define MAGIC1 0x46505853u /* FP_XSTATE_MAGIC1, and 2 at the end */
#define MAGIC2 0x46505845u
/* UC_FP_XSTATE, UC_SIGCONTEXT_SS, UC_STRICT_RESTORE_SS */
#define UC_FLAGS 7ull

struct frame_context {
    uint64_t flags, link;
    uint64_t stack_sp;
    uint32_t stack_flags, unused;
    uint64_t stack_size;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
    uint16_t cs, gs, fs, ss;
    uint64_t error_code, trap, old_mask, cr2;
    uint64_t vectors; /* their address */
    uint64_t reserved[8];
    uint64_t mask;
};
_Static_assert(sizeof(struct frame_context) == 304, "struct ucontext with a set of 8 bytes");

struct frame {
    uint64_t back; /* the action's restorer */
    struct frame_context context;
    siginfo_t info;
};
_Static_assert(sizeof(siginfo_t) == 128, "siginfo_t");

struct software {
    uint32_t magic, extended_size;
    uint64_t components;
    uint32_t size, padding[7];
};

/* ---- vector state ---- */

/* The backend's area may be larger than a frame's, which must fit on a small alternate stack. */
static size_t vectors_size(const struct hl_sandbox *sb)
{
    return machine_xsave_used(sb->machine);
}

static uint8_t *new_area(const struct hl_sandbox *sb)
{
    return calloc(1, machine_xsave_size(sb->machine));
}

static bool put_vectors(struct hl_sandbox *sb, hl_gva_t at)
{
    struct hl_machine *m = sb->machine;
    const uint32_t size = (uint32_t)vectors_size(sb), magic = MAGIC2;
    const struct software software = {.magic = MAGIC1,
                                      .extended_size = size + (uint32_t)sizeof(magic),
                                      .components = machine_xcr0(m),
                                      .size = size};
    uint8_t *area = new_area(sb);
    bool good = area && machine_get_xsave(m, area, NULL) == 0;
    if (good) {
        memcpy(area + XSAVE_SOFTWARE, &software, sizeof(software));
        good = linux_set(sb, at, area, size) && linux_set(sb, at + size, &magic, sizeof(magic));
    }
    free(area);
    return good;
}

/* Would `xrstor` accept it (Intel SDM 1, 13.8)?  The processor ignores the software's part. */
static bool check_vectors(const struct hl_sandbox *sb, uint8_t *area)
{
    static const uint64_t none[7];
    uint64_t header[8];
    uint32_t mxcsr;
    memcpy(header, area + XSAVE_HEADER, sizeof(header));
    memcpy(&mxcsr, area + XSAVE_MXCSR, sizeof(mxcsr));
    memset(area + XSAVE_SOFTWARE, 0, XSAVE_HEADER - XSAVE_SOFTWARE);
    return !(header[0] & ~(machine_xcr0(sb->machine) | XCR0_LEGACY)) &&
           memcmp(header + 1, none, sizeof(none)) == 0 && !(mxcsr & ~MXCSR_MASK);
}

/* If its address is 0, or part of it is not mapped, the state is the initial one. */
static bool get_vectors(struct hl_sandbox *sb, hl_gva_t at)
{
    struct hl_machine *m = sb->machine;
    const size_t size = vectors_size(sb);
    const uint32_t mxcsr = MXCSR_DEFAULT;
    uint8_t *area = new_area(sb);
    bool good =
        area && size >= XSAVE_LEAST && at % 64 == 0 && (!at || linux_get(sb, at, area, size));
    if (good) {
        if (!at)
            memcpy(area + XSAVE_MXCSR, &mxcsr, sizeof(mxcsr));
        good = check_vectors(sb, area) && machine_set_xsave(m, area, NULL) == 0;
    }
    free(area);
    return good;
}

/* ---- making a frame ---- */

static void fill_context(struct frame_context *c, struct hl_sandbox *sb, const struct hl_regs *r,
                         const struct linux_info *info)
{
    const struct linux_process *p = linux_of(sb)->process;
    *c = (struct frame_context){
        .flags = UC_FLAGS,
        .stack_sp = p->alt_stack,
        .stack_flags = p->alt_size ? 0 : (uint32_t)SS_DISABLE,
        .stack_size = p->alt_size,
        .rflags = r->rflags,
        .cs = USER_CS,
        .ss = USER_DS,
        .error_code = info->code,
        .trap = info->trap,
        .cr2 = info->address,
        .old_mask = info->back,
        .mask = info->back,
    };
    HL_GENERAL_COPY(c, r);
}

/* The stack for the handler: the alternate one, unless the guest is already on it. */
static uint64_t handler_stack(const struct linux_process *p, const struct linux_action *action,
                              uint64_t rsp, bool *other)
{
    *other = linux_on_alt_stack(p, rsp);
    if (!(action->flags & SA_ONSTACK) || !p->alt_size || *other)
        return rsp - RED_ZONE;
    *other = true;
    return p->alt_stack + p->alt_size;
}

bool linux_frame(struct hl_sandbox *sb, const struct linux_info *info)
{
    const struct linux_process *p = linux_of(sb)->process;
    const struct linux_action *action = &p->action[info->info.si_signo - 1];
    struct hl_regs r;
    struct frame f;
    if (hl_machine_get_regs(sb->machine, &r, NULL) || !action->restorer || action->handler >> 47)
        return false;
    bool other;
    uint64_t top = handler_stack(p, action, r.rsp, &other);
    hl_gva_t vectors = (top - vectors_size(sb) - sizeof(uint32_t)) & ~63ull;
    hl_gva_t at = ((vectors - sizeof(f)) & ~15ull) - 8;
    if (other && !linux_on_alt_stack(p, at)) /* below it is other data of the guest */
        return false;
    memset(&f, 0, sizeof(f));
    f.back = action->restorer;
    fill_context(&f.context, sb, &r, info);
    f.context.vectors = vectors;
    f.info = info->info;
    if (at > top || !put_vectors(sb, vectors) || !linux_set(sb, at, &f, sizeof(f)))
        return false;
    r.rdi = (uint64_t)info->info.si_signo;
    r.rsi = at + offsetof(struct frame, info);
    r.rdx = at + offsetof(struct frame, context);
    r.rax = 0;
    r.rsp = at;
    r.rip = action->handler;
    r.rflags &= ~(RFLAGS_TF | RFLAGS_DF | RFLAGS_RF);
    return hl_machine_set_regs(sb->machine, &r, NULL) == 0;
}

/* ---- returning from a handler ---- */

static void take_context(struct hl_regs *r, const struct frame_context *c)
{
    HL_GENERAL_COPY(r, c);
    r->rflags = c->rflags;
}

/* An invalid frame is a SIGSEGV, as on Linux. */
static int64_t refuse(struct hl_sandbox *sb)
{
    struct linux_process *p = linux_change(sb);
    p->action[SIGSEGV - 1].handler = 0;
    p->blocked &= ~signal_bit(SIGSEGV);
    linux_raise(sb, SIGSEGV, CAUSE_KILL);
    return 0;
}

int64_t linux_rt_sigreturn(struct hl_sandbox *sb, const args6 a)
{
    struct frame_context c;
    struct hl_regs r;
    (void)a;
    if (hl_machine_get_regs(sb->machine, &r, NULL) ||
        !linux_get(sb, r.rsp - 8 + offsetof(struct frame, context), &c, sizeof(c)) || c.rip >> 47 ||
        !get_vectors(sb, c.vectors))
        return refuse(sb);
    take_context(&r, &c);
    if (hl_machine_set_regs(sb->machine, &r, NULL))
        return refuse(sb);
    linux_change(sb)->blocked = c.mask & ~UNCATCHABLE;
    return (int64_t)r.rax;
}

/* `syscall` is two bytes long; it overwrites rcx and r11, so they need not be restored. */
void linux_rewind_call(struct hl_sandbox *sb, uint64_t number)
{
    struct hl_regs r;
    if (machine_get_general(sb->machine, &r, NULL))
        return;
    r.rax = number;
    r.rip -= 2;
    machine_set_general(sb->machine, &r, NULL);
}
