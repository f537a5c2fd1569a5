/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox_use.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

#include "fork.h"
#include "retry.h"
#include "sandbox.h"

__attribute__((noinline)) uintptr_t frame_ip(void)
{
    return (uintptr_t)__builtin_return_address(0);
}

/* ---- does a frame still exist? ---- */

struct walk {
    struct use_frame wanted;
    uintptr_t function; /* start of the function searched for, ... */
    uintptr_t last;     /* ... and of the previous one */
    bool found, past;
};

/* For a frame, libgcc gives the address at which that of its callee ended. */
static _Unwind_Reason_Code look(struct _Unwind_Context *context, void *opaque)
{
    struct walk *w = opaque;
    const uintptr_t saved = 2 * sizeof(uintptr_t); /* the frame pointer, the return address */
    uintptr_t end = (uintptr_t)_Unwind_GetCFA(context);
    if (end == w->wanted.address + saved && w->last == w->function)
        w->found = true;
    w->past |= end > w->wanted.address + saved;
    w->last = (uintptr_t)_Unwind_GetRegionStart(context);
    return w->found || w->past ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Are both on the thread's own stack?  Stacks of signal handlers and coroutines prove nothing. */
static bool on_one_stack(uintptr_t a, uintptr_t b)
{
    pthread_attr_t attr;
    void *start = NULL;
    size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attr))
        return false;
    pthread_attr_getstack(&attr, &start, &size);
    pthread_attr_destroy(&attr);
    return a - (uintptr_t)start < size && b - (uintptr_t)start < size;
}

/* from: the frame of the asking function, if it is one of those. */
static bool frame_is_gone(const struct hl_sandbox *sb, struct use_frame frame,
                          struct use_frame from)
{
    uintptr_t here = from.address ? from.address : (uintptr_t)__builtin_frame_address(0);
    if (!frame.address || !on_one_stack(frame.address, here))
        return false;
    if (here >= frame.address)
        return true;
    struct walk w = {.wanted = frame,
                     .function = (uintptr_t)_Unwind_FindEnclosingFunction((void *)(frame.ip - 1))};
    _Unwind_Backtrace(look, &w);
    return w.found ? *frame.guard != sb : w.past;
}

/*
 * tgkill() finds a thread until the kernel frees its number, which is later than pthread_join()
 * returns; the flags say from the start of its exit that it will not run again (proc(5)).
 */
static bool has_ended(int thread)
{
    enum { EXITING = 4 }; /* PF_EXITING of linux/sched.h */
    char path[48], text[512];
    unsigned flags = 0;
    if (tgkill(getpid(), thread, 0))
        return errno == ESRCH;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
    int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return errno == ENOENT && access("/proc/self/task", F_OK) == 0;
    ssize_t size = RETRY(read(fd, text, sizeof(text) - 1));
    int why = errno;
    retry_close(fd);
    if (size < 0)
        return why == ESRCH;
    text[size] = 0;
    const char *name_end = strrchr(text, ')');
    return name_end && sscanf(name_end, ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1 &&
           flags & EXITING;
}

/* If several threads find out at the same time, only one must end the call. */
static bool was_left(struct hl_sandbox *sb, struct use_frame from)
{
    struct sandbox_use *use = &sb->use;
    int thread = atomic_load(&use->thread);
    bool left =
        thread == fork_thread() ? frame_is_gone(sb, use->frame, from) : thread && has_ended(thread);
    return left && atomic_compare_exchange_strong(&use->thread, &thread, 0);
}

/* ---- taking and releasing ---- */

int sandbox_is_copy(struct hl_error *error)
{
    hl_error_set(error, HL_ERR_STATE,
                 "the sandbox belongs to the process that made it, not to a "
                 "child of fork()");
    hl_error_hint(error, "make one in the child, from the same image or snapshot");
    return HL_ERR_STATE;
}

static bool take(struct hl_sandbox *sb, int *state)
{
    *state = USE_FREE;
    return atomic_compare_exchange_strong_explicit(&sb->use.state, state, USE_BUSY,
                                                   memory_order_acquire, memory_order_acquire);
}

/* Rare: in a host function, from another thread, or after a longjmp(). */
__attribute__((noinline, cold)) static bool take_again(struct hl_sandbox *sb, int state,
                                                       struct use_frame from)
{
    if (state != USE_BUSY || !was_left(sb, from))
        return false;
    sb->use.ops->abandon(sb);
    return take(sb, &state);
}

int sandbox_take_in(struct hl_sandbox *sb, struct use_frame frame, struct hl_error *error)
{
    int state;
    if (!sb)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no sandbox");
    if (fork_copied(sb->use.forks))
        return sandbox_is_copy(error);
    if (!take(sb, &state) && !take_again(sb, state, frame))
        return hl_error_set(error, HL_ERR_BUSY, "%s", hl_err_text(HL_ERR_BUSY));
    sb->use.frame = frame;
    if (frame.guard)
        *frame.guard = sb;
    atomic_store_explicit(&sb->use.thread, fork_thread(), memory_order_release);
    return 0;
}

int sandbox_take(struct hl_sandbox *sb, struct hl_error *error)
{
    return sandbox_take_in(sb, (struct use_frame){0}, error);
}

bool sandbox_give(struct hl_sandbox *sb)
{
    int state = USE_BUSY;
    /* A thread that finds it taken again must not mistake the next owner for this one. */
    atomic_store_explicit(&sb->use.thread, 0, memory_order_relaxed);
    if (atomic_compare_exchange_strong_explicit(&sb->use.state, &state, USE_FREE,
                                                memory_order_release, memory_order_acquire))
        return false;
    sb->use.ops->unmake(sb);
    return true;
}

bool sandbox_take_over(struct hl_sandbox *sb)
{
    int state;
    /* The thread that was in a copy made by fork() does not exist in this process. */
    if (fork_copied(sb->use.forks))
        return atomic_exchange(&sb->use.state, USE_DOOMED) != USE_DOOMED;
    if (take(sb, &state) || take_again(sb, state, (struct use_frame){0}))
        return true;
    sandbox_interrupt(sb); /* before it is marked, as then it may be freed at any time */
    while (state == USE_BUSY || state == USE_FREE) {
        int next = state == USE_FREE ? USE_BUSY : USE_DOOMED;
        if (atomic_compare_exchange_weak(&sb->use.state, &state, next))
            return next == USE_BUSY;
    }
    return false;
}
