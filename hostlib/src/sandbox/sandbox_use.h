/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_use.h - who uses a sandbox: one call at a time, until it has returned or was left.
 *
 * User code (host functions, observers, console and log functions) may leave a call without
 * returning to it.  An exception, pthread_exit() and cancellation unwind the stack, which runs the
 * call's guard.  longjmp() does not: the next use then finds that the frame is gone.
 */
#ifndef HL_SANDBOX_USE_H
#define HL_SANDBOX_USE_H

#include <stdatomic.h>
#include <stdint.h>

#include <hl/sandbox.h>

enum { USE_FREE, USE_BUSY, USE_DOOMED /* busy, and to be destroyed when it is released */ };

/* The frame of a function, by which later code can find out whether it still exists. */
struct use_frame {
    uintptr_t address;         /* 0: it does not call user code */
    uintptr_t ip;              /* somewhere in the function */
    struct hl_sandbox **guard; /* in the frame; identifies the call */
};

/* What to do at the end of a use; sandbox.c has the only implementation. */
struct use_ops {
    /* The call in progress was left without a return: end it, and release the sandbox. */
    void (*abandon)(struct hl_sandbox *sb);
    /* It was to be destroyed while it was in use, and is no longer in use. */
    void (*unmake)(struct hl_sandbox *sb);
};

struct sandbox_use {
    const struct use_ops *ops;
    atomic_int state;
    atomic_int thread; /* the thread that is in it, 0: unknown */
    struct use_frame frame;
    unsigned forks; /* number of forks when it was made: fork.h */
};

/* The frame of the calling function; its guard is set while the sandbox is taken. */
#define THIS_FRAME(guard)                                                                          \
    ((struct use_frame){(uintptr_t)__builtin_frame_address(0), frame_ip(), &(guard)})
uintptr_t frame_ip(void);

/*
 * Take the sandbox for this thread, in any state: ARGUMENT (NULL), STATE (a copy made by fork()),
 * BUSY.  If the previous call was left, it is ended first.
 */
int sandbox_take(struct hl_sandbox *sb, struct hl_error *error);
int sandbox_take_in(struct hl_sandbox *sb, struct use_frame frame, struct hl_error *error);
/* Release it.  Returns true if the sandbox was destroyed meanwhile; it may no longer exist. */
bool sandbox_give(struct hl_sandbox *sb);

/* The error for a copy made by fork(). */
int sandbox_is_copy(struct hl_error *error);

/*
 * Prepare to destroy it: true if the caller owns it now, false if the thread that is in it will
 * destroy it.
 */
bool sandbox_take_over(struct hl_sandbox *sb);

#endif
