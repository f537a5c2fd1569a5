/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/debug.h - GDB on a sandbox.
 *
 *     hl_sandbox_create(&sb, image, NULL, &error);
 *     hl_sandbox_debug(sb, "unix:/run/user/1000/guest.sock", NULL, &error);
 *     printf("gdb -ex 'target remote %s'\n", hl_sandbox_debug_remote(sb));
 *     hl_sandbox_start(sb, &error);
 *
 * A debug session belongs to the sandbox, not to a call: a debugger may come and go while the guest
 * runs, while a host function runs and while the sandbox is idle, and its breakpoints last from
 * call to call.  While a debugger holds the guest, a call waits, and so does hl_sandbox_destroy():
 * what the guest has left can be looked at until the debugger lets go.  A fault or an abort stops
 * the guest for an attached debugger before the call fails.
 *
 * A debugger owns the guest: its memory, its registers and what it says to host functions.  Who can
 * connect one depends on the endpoint:
 *
 * - stdio: the program that started this process, or holds the descriptors;
 * - unix:PATH: this user and root, as the socket has mode 0600;
 * - tcp:PORT: this user and root on this machine, by what /proc/net/tcp says of the client; every
 *   user where there is no /proc;
 * - tcp:HOST:PORT with `anywhere`: everyone who can reach the port.
 *
 * Prefer a unix socket.  No endpoint gives the host's account: a debugger reads no file but the
 * guest's own, and writes none but new core files in one directory (core_directory).
 *
 * The same without a line of code: the environment variable HL_GDB=ENDPOINT makes every sandbox of
 * a program attachable, unless the program is set-uid or its config says `no_debugger`.
 */
#ifndef HL_DEBUG_H
#define HL_DEBUG_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/sandbox.h>
#include <hl/sized.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Where a guest waits for its first debugger.  One that crashes, aborts or exits before it comes to
 * hold_at waits there; a debugger that goes ends the wait wherever the guest is.
 */
enum hl_debug_hold {
    HL_HOLD_NONE,    /* nowhere: attach when you like */
    HL_HOLD_ENTRY,   /* before its next instruction: of a NEW sandbox, its very first one */
    HL_HOLD_ADDRESS, /* when it first comes to hold_at */
};

struct hl_debug_config {
    size_t size HL_SIZED(hl_debug_config);
    enum hl_debug_hold hold;
    hl_gva_t hold_at;
    bool created;  /* the guest runs for the debugger: `quit` in GDB kills it */
    bool anywhere; /* allow a TCP address that is not of this machine alone */
    bool fds;      /* endpoint "stdio": talk on these instead of 0 and 1 */
    int fd_in, fd_out;
    /*
     * The one directory in which a debugger may have files written (`monitor gcore`); NULL: the
     * current one.  Only new files: nothing is written over, no link is followed.
     */
    const char *core_directory;
};
#define HL_DEBUG_CONFIG_INIT HL_SIZED_INIT(hl_debug_config)

/*
 * Serve a debugger at endpoint (hl/gdb.h: "stdio", "unix:PATH", "tcp:[HOST:]PORT"; NULL or "": a
 * private unix socket) until the sandbox is destroyed.  Between calls, from the thread that owns
 * the sandbox; once per sandbox.  config may be NULL; nothing of it is kept.  Errors: STATE (there
 * is one already), ARGUMENT, SYSTEM, MEMORY, KVM.
 */
HL_API int hl_sandbox_debug(struct hl_sandbox *sandbox, const char *endpoint,
                            const struct hl_debug_config *config, struct hl_error *error);

/*
 * The endpoint as opened, and as GDB's `target remote` wants it; NULL when there is none.  Live as
 * long as the sandbox.
 */
HL_API const char *hl_sandbox_debug_endpoint(const struct hl_sandbox *sandbox);
HL_API const char *hl_sandbox_debug_remote(const struct hl_sandbox *sandbox);

/* A debugger holds or has resumed the guest.  Any thread. */
HL_API bool hl_sandbox_debug_attached(const struct hl_sandbox *sandbox);

/*
 * A debugger was shown the guest's end, or has killed it; false again once the guest begins afresh.
 * Unlike hl_sandbox_debug_attached() it stays when the debugger has gone.  Any thread.
 */
HL_API bool hl_sandbox_debug_saw_end(const struct hl_sandbox *sandbox);

/*
 * Wait until there has been a debugger that has gone again: 0, or HL_ERR_INTERRUPTED after
 * timeout_ms; -1 waits forever.
 */
HL_API int hl_sandbox_debug_wait_gone(const struct hl_sandbox *sandbox, int timeout_ms);

/*
 * What the debugger did to the guest, for a program that runs one for its sake: a call that fails
 * with INTERRUPTED failed because the debugger killed the guest, or wants it to start afresh
 * (GDB's `run`).  After RESTARTED the sandbox is READY again, and the debugger waits for the
 * program to make its calls again; the first one runs the guest's start before anything else.  A
 * start that is in progress begins again by itself.
 */
enum hl_debug_wish { HL_DEBUG_NOTHING, HL_DEBUG_KILLED, HL_DEBUG_RESTARTED };
/* Reported once: reading RESTARTED clears it.  By the thread that owns the sandbox. */
HL_API enum hl_debug_wish hl_sandbox_debug_wish(struct hl_sandbox *sandbox);

/*
 * The program has no more calls for the guest.  An attached debugger that waits is told that the
 * guest exited with this status; one that looks at the idle guest is waited for.  Then 0 when the
 * debugger has gone or there is none, 1 when it wants the guest afresh (see RESTARTED).
 */
HL_API int hl_sandbox_debug_finish(struct hl_sandbox *sandbox, int status);

/* How debug events reach the library on this machine, as found by running a tiny guest. */
struct hl_debug_abilities {
    bool step_exit;  /* the hypervisor reports a single step; else it is the guest's own #DB */
    bool break_exit; /* the hypervisor reports an int3; else it is the guest's own #BP */
    bool hw_break;   /* debug registers stop execution; else hardware breakpoints are int3s */
    bool hw_watch;   /* debug registers watch data; else watchpoints are page protection */
};
/*
 * Any thread; the guest is run once per process.  Errors of hl_machine_create(); HL_ERR_KVM when a
 * step or an int3 is not reported at all.
 */
HL_API int hl_debug_probe(struct hl_debug_abilities *abilities, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
