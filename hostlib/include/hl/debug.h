/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/debug.h - attach GDB to a sandbox.
 *
 *     hl_sandbox_create(&sb, image, NULL, &error);
 *     hl_sandbox_debug(sb, "unix:/run/user/1000/guest.sock", NULL, &error);
 *     printf("gdb -ex 'target remote %s'\n", hl_sandbox_debug_remote(sb));
 *     hl_sandbox_start(sb, &error);
 *
 * A debug session belongs to the sandbox, not to a call.  A debugger may attach and detach while
 * the guest runs, while a host function runs and while the sandbox is idle; its breakpoints stay
 * set from one call to the next.  While a debugger holds the guest, calls wait, and so does
 * hl_sandbox_destroy(), so that the guest can be inspected until the debugger detaches or resumes
 * it.  On a fault or an abort, the guest stops for an attached debugger before the call fails.
 *
 * A debugger has full control over the guest: its memory, its registers and the arguments that it
 * passes to host functions.  Who can connect a debugger depends on the endpoint:
 *
 * - stdio: the program that started this process, or that holds the descriptors;
 * - unix:PATH: this user and root, as the socket has mode 0600;
 * - tcp:PORT: this user and root on this machine, according to /proc/net/tcp; every local user if
 *   /proc is not mounted;
 * - tcp:HOST:PORT with `anywhere`: anyone who can reach the port.
 *
 * Prefer a unix socket.  No endpoint gives access to the host's account: a debugger can read only
 * the guest's own file, and can write only new core files in one directory (core_directory).
 *
 * No code is needed to debug an existing program: with HL_GDB=ENDPOINT in the environment every
 * sandbox of the program is attachable, unless it is set-uid or its config sets `no_debugger`.
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
 * Where a guest waits for its first debugger.  If it crashes, aborts or exits before it reaches
 * hold_at, it waits at that point.  A debugger that detaches ends the wait, wherever the guest is.
 */
enum hl_debug_hold {
    HL_HOLD_NONE,    /* nowhere: a debugger attaches at any time */
    HL_HOLD_ENTRY,   /* before its next instruction; in a NEW sandbox, before its first */
    HL_HOLD_ADDRESS, /* when it first reaches hold_at */
};

struct hl_debug_config {
    size_t size HL_SIZED(hl_debug_config);
    enum hl_debug_hold hold;
    hl_gva_t hold_at;
    bool created;  /* the guest was started for the debugger: `quit` in GDB kills it */
    bool anywhere; /* allow a TCP address that other machines can reach */
    bool fds;      /* endpoint "stdio": use the two descriptors below instead of 0 and 1 */
    int fd_in, fd_out;
    /*
     * The only directory in which a debugger can create files (`monitor gcore`); NULL: the current
     * one.  Files are always new: none is overwritten, and no link is followed.
     */
    const char *core_directory;
};
#define HL_DEBUG_CONFIG_INIT HL_SIZED_INIT(hl_debug_config)

/*
 * Serve a debugger at endpoint (hl/gdb.h: "stdio", "unix:PATH", "tcp:[HOST:]PORT"; NULL or "": a
 * private unix socket) until the sandbox is destroyed.  Between calls, from the thread that owns
 * the sandbox; once per sandbox.  config may be NULL, and is not used after the call.  Errors:
 * STATE (the sandbox has an endpoint already), ARGUMENT, SYSTEM, MEMORY, KVM.
 */
HL_API int hl_sandbox_debug(struct hl_sandbox *sandbox, const char *endpoint,
                            const struct hl_debug_config *config, struct hl_error *error);

/*
 * The endpoint as opened, and the same as an argument for GDB's `target remote`; NULL if no
 * debugger is served.  Valid as long as the sandbox.
 */
HL_API const char *hl_sandbox_debug_endpoint(const struct hl_sandbox *sandbox);
HL_API const char *hl_sandbox_debug_remote(const struct hl_sandbox *sandbox);

/* True while a debugger is attached, whether it holds the guest or has resumed it.  Any thread. */
HL_API bool hl_sandbox_debug_attached(const struct hl_sandbox *sandbox);

/*
 * True once a debugger has seen the guest end or has killed it, until the guest is restarted.
 * Unlike hl_sandbox_debug_attached(), it stays true after the debugger detaches.  Any thread.
 */
HL_API bool hl_sandbox_debug_saw_end(const struct hl_sandbox *sandbox);

/*
 * Wait until a debugger has attached and left: 0, or HL_ERR_INTERRUPTED after timeout_ms; -1 waits
 * forever.
 */
HL_API int hl_sandbox_debug_wait_gone(const struct hl_sandbox *sandbox, int timeout_ms);

/*
 * Why a call failed with INTERRUPTED, for a program that runs a guest to debug it: the debugger
 * killed the guest (KILLED), or asked for a restart (RESTARTED; GDB's `run`).  After RESTARTED the
 * sandbox is READY again, and the debugger waits for the program to repeat its calls; the first one
 * runs the guest's set-up code again.  A start in progress is restarted without the program's help.
 */
enum hl_debug_wish { HL_DEBUG_NOTHING, HL_DEBUG_KILLED, HL_DEBUG_RESTARTED };
/* Reported once: reading RESTARTED clears it.  From the thread that owns the sandbox. */
HL_API enum hl_debug_wish hl_sandbox_debug_wish(struct hl_sandbox *sandbox);

/*
 * To be called when the program has no more calls for the guest.  If a debugger waits for the
 * guest, report to it that the guest exited with this status; if it holds the idle guest, wait for
 * it.  Returns 0 if the debugger has left or was never attached, 1 if it asks for a restart (see
 * RESTARTED).
 */
HL_API int hl_sandbox_debug_finish(struct hl_sandbox *sandbox, int status);

/* How debug events reach the library on this machine, found by running a tiny guest. */
struct hl_debug_abilities {
    bool step_exit;  /* the hypervisor reports a single step; else the guest takes a #DB */
    bool break_exit; /* the hypervisor reports an int3; else the guest takes a #BP */
    bool hw_break;   /* debug registers stop execution; else hardware breakpoints are int3s */
    bool hw_watch;   /* debug registers watch data; else watchpoints use page protection */
};
/*
 * Any thread; the tiny guest is run once per process.  Errors: as hl_machine_create(), and KVM if
 * a single step or an int3 is not reported at all.
 */
HL_API int hl_debug_probe(struct hl_debug_abilities *abilities, struct hl_error *error);

#ifdef __cplusplus
}
#endif

#endif
