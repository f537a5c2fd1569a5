/* SPDX-License-Identifier: Apache-2.0 */
/*
 * warden.h - who watches over a sandbox's guest from outside: the seam for a debugger.
 *
 * A sandbox has at most one.  It calls the warden at the points below; the warden never reaches
 * into a run by other means.  A sandbox without one pays a test of a pointer at each point.  All
 * but wake, held and wanted are called on the thread that has the sandbox.
 */
#ifndef HL_WARDEN_H
#define HL_WARDEN_H

#include <stdbool.h>

#include <hl/error.h>
#include <hl/machine.h>

struct warden; /* the first member of the implementation's own struct */

struct warden_ops {
    /* Before a start, call or main.  May wait.  An error: the guest is not entered. */
    int (*enter)(struct warden *w, struct hl_error *error);
    /* After it, when the sandbox has its new state. */
    void (*leave)(struct warden *w);
    /*
     * A start came back INTERRUPTED.  0: the warden has put the sandbox back to before it, and it
     * is to be run again.  HL_ERR_STATE: the warden did not cause it.
     */
    int (*start_again)(struct warden *w, struct hl_error *error);
    /* In place of hl_machine_run(). */
    int (*run)(struct warden *w, struct hl_exit *exit, struct hl_error *error);
    /*
     * The run is about to end with rc because of exit.  Returns rc, another error, or RUN_ON when
     * the guest goes on as if nothing had happened.
     */
    int (*failure)(struct warden *w, int rc, const struct hl_exit *exit, struct hl_error *error);
    /* A signal is about to reach a handler of the guest's.  *number: another one, or 0 for none. */
    int (*signal)(struct warden *w, int *number, struct hl_error *error);
    /* From any thread: hl_sandbox_interrupt() was called. */
    void (*wake)(struct warden *w);
    /* From the thread that keeps time: does the guest stand still, so that its time does not run? */
    bool (*held)(struct warden *w);
    /* From any thread: is the guest wanted, so that a sleep must end? */
    bool (*wanted)(struct warden *w);
    void (*destroy)(struct warden *w);
};

struct warden {
    const struct warden_ops *ops;
};

#endif
