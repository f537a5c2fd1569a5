/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_use.h - who is in a sandbox: one call at a time, until it has returned or was left.
 *
 * User code (host functions, observers, console and log functions) may leave a call without
 * returning to it.  An exception, pthread_exit() and cancellation unwind the stack: the call's
 * guard hears of it.  longjmp() does not: then the next use finds that the frame is gone.
 */
#ifndef HL_SANDBOX_USE_H
#define HL_SANDBOX_USE_H

#include <stdatomic.h>
#include <stdint.h>

#include <hl/sandbox.h>

enum { USE_FREE, USE_BUSY, USE_DOOMED /* busy, and to be destroyed when it is given back */ };

/* A function's frame, by which it is known later whether it is still there. */
struct use_frame {
    uintptr_t address;         /* 0: it calls no user code */
    uintptr_t ip;              /* somewhere in the function */
    struct hl_sandbox **guard; /* its own, which says whose call it is */
};

/* What ends a use: sandbox.c has the one there is. */
struct use_ops {
    /* The call in progress was left without a return: it ends, and the sandbox is given back. */
    void (*abandon)(struct hl_sandbox *sb);
    /* It was to be destroyed while it was in use, and is not any more. */
    void (*unmake)(struct hl_sandbox *sb);
};

struct sandbox_use {
    const struct use_ops *ops;
    atomic_int state;
    atomic_int thread; /* that is in it, 0: not known */
    struct use_frame frame;
    unsigned forks; /* before it was made: fork.h */
};

/* The function this stands in; its guard is set while the sandbox is taken. */
#define THIS_FRAME(guard)                                                                          \
    ((struct use_frame){(uintptr_t)__builtin_frame_address(0), frame_ip(), &(guard)})
uintptr_t frame_ip(void);

/*
 * For this thread, whatever the sandbox's state: ARGUMENT (NULL), STATE (a copy that fork() made),
 * BUSY.  A call that was left is brought to its end first.
 */
int sandbox_take(struct hl_sandbox *sb, struct hl_error *error);
int sandbox_take_in(struct hl_sandbox *sb, struct use_frame frame, struct hl_error *error);
/* The sandbox may be gone after it: was it destroyed meanwhile? */
bool sandbox_give(struct hl_sandbox *sb);

/* The error of that. */
int sandbox_is_copy(struct hl_error *error);

/* To destroy it: true where it is the caller's now, false where the thread that is in it does it.
 */
bool sandbox_take_over(struct hl_sandbox *sb);

#endif
