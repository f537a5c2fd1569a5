/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/signal.c - signals: which are pending, and how they are delivered.
 *
 * A signal comes from the guest itself (kill), from its alarm or from an exception.  Pending
 * signals are delivered before an entry: the guest continues in its handler, or ends.
 */
#include "linux.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
#include "siginfo.h"

#define SET_SIZE 8       /* of the kernel's sigset_t */
#define LEAST_STACK 2048 /* MINSIGSTKSZ */

static const struct linux_process *process(const struct hl_sandbox *sb)
{
    return linux_of(sb)->process;
}

static bool has_handler(const struct hl_sandbox *sb, int number)
{
    return linux_of(sb)->process->action[number - 1].handler > ACTION_IGNORE;
}

static bool is_caught(const struct hl_sandbox *sb, int number)
{
    return number > 0 && number <= LINUX_SIGNALS && has_handler(sb, number) &&
           !(linux_of(sb)->process->blocked & signal_bit(number));
}

/* It is no longer pending. */
static void forget(struct hl_sandbox *sb, int number)
{
    linux_change(sb)->pending &= ~signal_bit(number);
    if (number == SIGALRM)
        linux_timer_again(sb);
}

/* ---- system calls ---- */

int64_t linux_rt_sigaction(struct hl_sandbox *sb, const args6 a)
{
    struct linux_action next;
    if (a[3] != SET_SIZE || !a[0] || a[0] > LINUX_SIGNALS)
        return -EINVAL;
    int number = (int)a[0];
    if (a[1] && !linux_get(sb, a[1], &next, sizeof(next)))
        return -EFAULT;
    if (a[1] && (signal_bit(number) & UNCATCHABLE))
        return -EINVAL;
    const struct linux_action before = process(sb)->action[number - 1];
    if (a[1]) {
        next.mask &= ~UNCATCHABLE;
        linux_change(sb)->action[number - 1] = next;
        if (linux_ignores(sb, number))
            forget(sb, number);
    }
    return a[2] && !linux_set(sb, a[2], &before, sizeof(before)) ? -EFAULT : 0;
}

int64_t linux_rt_sigprocmask(struct hl_sandbox *sb, const args6 a)
{
    const uint64_t before = process(sb)->blocked;
    uint64_t set;
    if (a[3] != SET_SIZE)
        return -EINVAL;
    if (a[1]) {
        if (!linux_get(sb, a[1], &set, sizeof(set)))
            return -EFAULT;
        switch ((int)a[0]) {
        case SIG_BLOCK:
            set |= before;
            break;
        case SIG_UNBLOCK:
            set = before & ~set;
            break;
        case SIG_SETMASK:
            break;
        default:
            return -EINVAL;
        }
        set &= ~UNCATCHABLE;
        if (set != before)
            linux_change(sb)->blocked = set;
    }
    return a[2] && !linux_set(sb, a[2], &before, sizeof(before)) ? -EFAULT : 0;
}

int64_t linux_rt_sigpending(struct hl_sandbox *sb, const args6 a)
{
    linux_timer_look(sb);
    const uint64_t set = process(sb)->pending & process(sb)->blocked;
    if (a[1] > SET_SIZE)
        return -EINVAL;
    return linux_set(sb, a[0], &set, a[1]) ? 0 : -EFAULT;
}

int64_t linux_sigaltstack(struct hl_sandbox *sb, const args6 a)
{
    const struct linux_process *p = process(sb);
    struct {
        uint64_t sp;
        uint32_t flags, unused;
        uint64_t size;
    } next,
        before = {p->alt_stack, p->alt_size ? p->alt_flags : (uint32_t)SS_DISABLE, 0, p->alt_size};
    struct hl_regs regs;
    if (hl_machine_get_regs(sb->machine, &regs, NULL))
        return -EIO;
    bool busy = linux_on_alt_stack(p, regs.rsp);
    before.flags |= busy ? (uint32_t)SS_ONSTACK : 0;
    if (a[0]) {
        if (!linux_get(sb, a[0], &next, sizeof(next)))
            return -EFAULT;
        if (busy)
            return -EPERM;
        bool none = next.flags & SS_DISABLE;
        if (next.flags & ~(uint32_t)(none ? SS_DISABLE : SS_ONSTACK))
            return -EINVAL;
        if (!none && next.size < LEAST_STACK)
            return -ENOMEM;
        struct linux_process *to = linux_change(sb);
        to->alt_stack = none ? 0 : next.sp;
        to->alt_size = none ? 0 : next.size;
        to->alt_flags = 0;
    }
    return a[1] && !linux_set(sb, a[1], &before, sizeof(before)) ? -EFAULT : 0;
}

static int64_t send(struct hl_sandbox *sb, uint64_t number, enum linux_cause cause, bool found)
{
    if (number > LINUX_SIGNALS)
        return -EINVAL;
    if (!found)
        return -ESRCH;
    if (number)
        linux_raise(sb, (int)number, cause);
    return 0;
}

/* 0, -1 and -1 of a group all mean the only process: the guest. */
int64_t linux_kill(struct hl_sandbox *sb, const args6 a)
{
    int32_t pid = (int32_t)a[0];
    return send(sb, a[1], CAUSE_KILL, pid == THE_PID || pid == 0 || pid == -1);
}

int64_t linux_tkill(struct hl_sandbox *sb, const args6 a)
{
    if ((int32_t)a[0] <= 0)
        return -EINVAL;
    return send(sb, a[1], CAUSE_TKILL, (int32_t)a[0] == THE_PID);
}

int64_t linux_tgkill(struct hl_sandbox *sb, const args6 a)
{
    if ((int32_t)a[0] <= 0 || (int32_t)a[1] <= 0)
        return -EINVAL;
    return send(sb, a[2], CAUSE_TKILL, (int32_t)a[0] == THE_PID && (int32_t)a[1] == THE_PID);
}

/* ---- delivery ---- */

static void fill_info(siginfo_t *info, int number, enum linux_cause cause)
{
    static const int codes[CAUSES] = {
        [CAUSE_KILL] = SI_USER, [CAUSE_TKILL] = SI_TKILL, [CAUSE_TIMER] = SI_KERNEL};
    memset(info, 0, sizeof(*info));
    info->si_signo = number;
    info->si_code = codes[cause];
    if (cause != CAUSE_TIMER)
        info->si_pid = THE_PID;
}

/* The default of most signals: also for stops, as nothing could resume a stopped guest. */
static int ended(struct hl_sandbox *sb, int number, enum linux_cause cause, struct hl_error *error)
{
    const char *why = cause == CAUSE_TIMER ? "its alarm rang" : "it raised";
    sb->guest_code = sb->killed_by = number;
    if (number == SIGABRT)
        return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s: abort() was called",
                            hl_err_text(HL_ERR_GUEST_ABORT));
    return hl_error_set(error, HL_ERR_GUEST_ABORT, "%s: %s%s signal %d (SIG%s)",
                        hl_err_text(HL_ERR_GUEST_ABORT), why, cause == CAUSE_TIMER ? "," : "",
                        number, signal_name(number));
}

static int no_room(struct hl_sandbox *sb, int number, struct hl_error *error)
{
    sb->guest_code = sb->killed_by = SIGSEGV;
    return hl_error_set(error, HL_ERR_GUEST_ABORT,
                        "%s: no stack for its handler of signal %d (SIG%s)",
                        hl_err_text(HL_ERR_GUEST_ABORT), number, signal_name(number));
}

/* Apply the handler's mask and flags; false: no room for its frame. */
static bool handle(struct hl_sandbox *sb, struct linux_info *info)
{
    struct linux_process *p = linux_change(sb);
    info->back = linux_of(sb)->nap.suspended ? linux_of(sb)->nap.back : p->blocked;
    linux_of(sb)->nap.suspended = false;
    int number = info->info.si_signo;
    struct linux_action *action = &p->action[number - 1];
    const struct linux_action was = *action;
    if (!linux_frame(sb, info))
        return false;
    p->blocked |= was.mask | (was.flags & SA_NODEFER ? 0 : signal_bit(number));
    p->blocked &= ~UNCATCHABLE;
    if (was.flags & (uint32_t)SA_RESETHAND)
        action->handler = ACTION_DEFAULT;
    return true;
}

/* One signal.  A debugger sees it first, and may remove it or replace it by another one. */
static int deliver(struct hl_sandbox *sb, int number, struct hl_error *error)
{
    enum linux_cause cause = process(sb)->cause[number - 1];
    struct linux_info info = {.back = 0};
    int rc = 0;
    forget(sb, number);
    if (linux_ignores(sb, number))
        return 0;
    if (!has_handler(sb, number))
        return ended(sb, number, cause, error);
    if (sb->warden)
        rc = sb->warden->ops->signal(sb->warden, &number, error);
    if (rc || !number || linux_ignores(sb, number))
        return rc;
    if (!has_handler(sb, number))
        return ended(sb, number, cause, error);
    fill_info(&info.info, number, cause);
    return handle(sb, &info) ? 0 : no_room(sb, number, error);
}

int linux_deliver(struct hl_sandbox *sb, struct hl_error *error)
{
    uint64_t due;
    int rc = 0;
    linux_timer_look(sb);
    while (!rc && (due = process(sb)->pending & ~process(sb)->blocked))
        rc = deliver(sb, __builtin_ctzll(due) + 1, error);
    if (linux_of(sb)->nap.suspended) { /* the signal that ended the sleep had no handler */
        linux_change(sb)->blocked = linux_of(sb)->nap.back;
        linux_of(sb)->nap.suspended = false;
    }
    return rc;
}

bool linux_strike(struct hl_sandbox *sb, int number)
{
    struct linux_info info = {.trap = 0};
    if (number < 1 || number > LINUX_SIGNALS)
        return false;
    bool waits = linux_of(sb)->process->blocked & signal_bit(number);
    if (waits)
        linux_raise(sb, number, CAUSE_KILL);
    if (waits || linux_ignores(sb, number))
        return true;
    fill_info(&info.info, number, CAUSE_KILL);
    return has_handler(sb, number) && handle(sb, &info);
}

/* Even if blocked or ignored, it ends the guest; a debugger sees it before the handler does. */
int linux_fault(struct hl_sandbox *sb, const struct hl_fault *fault, bool *handled,
                struct hl_error *error)
{
    struct linux_info info = {
        .trap = fault->vector, .code = fault->error_code, .address = fault->address};
    int number = siginfo_signal(fault), rc = 0;
    *handled = is_caught(sb, number);
    if (!*handled)
        return 0;
    siginfo_of_fault(&info.info, fault);
    if (sb->warden) {
        sb->fault = *fault;
        sb->has_fault = true;
        rc = sb->warden->ops->signal(sb->warden, &number, error);
        sb->has_fault = false;
    }
    if (rc || !number)
        return rc;
    *handled = number == info.info.si_signo ? handle(sb, &info) : linux_strike(sb, number);
    return 0;
}
