/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.h - watch over a sandbox's guest from outside: the seam for a debugger.
 *
 * A sandbox has at most one warden, which it calls at the points below; the warden does not affect
 * a run in any other way.  A sandbox without one pays for a test of a pointer at each point.  All
 * functions except wake, held and wanted are called on the thread that has the sandbox.
 */
#ifndef HL_WARDEN_H
#define HL_WARDEN_H

#include <stdbool.h>

#include <hl/error.h>
#include <hl/machine.h>

struct warden; /* the first member of the implementation's own struct */

struct warden_ops {
    /* Before a start, call or main.  May wait.  After an error the guest is not entered. */
    int (*enter)(struct warden *w, struct hl_error *error);
    /* After it, when the sandbox is in its new state. */
    void (*leave)(struct warden *w);
    /*
     * A start ended with INTERRUPTED.  0: the warden has rewound the sandbox to before the start,
     * which must be run again.  HL_ERR_STATE: the warden did not cause it.
     */
    int (*start_again)(struct warden *w, struct hl_error *error);
    /* Called instead of hl_machine_run(). */
    int (*run)(struct warden *w, struct hl_exit *exit, struct hl_error *error);
    /*
     * The run is about to end with rc because of exit.  Returns rc, another error, or RUN_ON if the
     * guest continues as if nothing had happened.
     */
    int (*failure)(struct warden *w, int rc, const struct hl_exit *exit, struct hl_error *error);
    /*
     * A signal is about to reach a handler of the guest.  *number: replace it, or 0 to discard it.
     */
    int (*signal)(struct warden *w, int *number, struct hl_error *error);
    /* From any thread: hl_sandbox_interrupt() was called. */
    void (*wake)(struct warden *w);
    /* From the deadline thread: is the guest stopped, so that its time limit does not run? */
    bool (*held)(struct warden *w);
    /* From any thread: is the guest's thread wanted, so that a sleep must end? */
    bool (*wanted)(struct warden *w);
    void (*destroy)(struct warden *w);
};

struct warden {
    const struct warden_ops *ops;
};

#endif
