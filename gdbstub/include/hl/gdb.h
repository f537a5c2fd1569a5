/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/gdb.h - a GDB remote server for one target (libhlgdb).
 *
 *     struct hl_gdb *gdb;
 *     hl_gdb_create(&gdb, &target, "tcp:0", NULL, &error);
 *     printf("gdb -ex 'target remote %s'\n", hl_gdb_remote(gdb));
 *     // the guest runs, in any thread, debugged or not
 *     hl_gdb_destroy(gdb);
 *
 * One debugger at a time; a second one gets an error and is disconnected.  Debuggers may attach any
 * number of times: when one detaches, dies or stops responding, its points are removed and the
 * guest runs on.  A client that connects and says nothing does not stop the guest.
 */
#ifndef HL_GDB_H
#define HL_GDB_H

#include <stdbool.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/gdb_target.h>
#include <hl/sized.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_gdb;

struct hl_gdb_config {
    size_t size HL_SIZED(hl_gdb_config);
    bool anywhere; /* allow a TCP address that other machines can reach: no access control */
    bool fds;      /* stdio: talk on fd_in and fd_out; they stay the caller's */
    int fd_in, fd_out;
};
#define HL_GDB_CONFIG_INIT HL_SIZED_INIT(hl_gdb_config)

/*
 * Serve target (borrowed, with all it points to, until destroy) at endpoint:
 *
 *   stdio             standard input and output, for `target remote | COMMAND`
 *   unix:PATH         a socket of mode 0600; a stale one is replaced, anything else is refused;
 *                     PATH is a file, even if it begins with '@': never an abstract socket
 *   tcp:[HOST:]PORT   HOST is localhost or a numeric address, [::1] in brackets; port 0 picks
 *                     one.  A client of this machine must be this user's or root's (/proc/net/tcp)
 *
 * A HOST that other machines can reach (0.0.0.0, [::], an address of a network) is an ARGUMENT
 * error unless config sets `anywhere`.  A client whose user cannot be determined for lack of a
 * descriptor is refused.  A connection whose first bytes are not a debugger's ('+', '-', '$', a
 * break-in) is closed.
 *
 * A child of fork() has no copy of the sockets: they close with the process that made them.
 *
 * Starts a thread that lives until destroy, with all signals blocked.  config may be NULL.
 * Errors: ARGUMENT (endpoint, description), STATE (the path exists, the port is taken), SYSTEM,
 * MEMORY, and what the target's bind() returns.
 */
HL_API int hl_gdb_create(struct hl_gdb **gdb, const struct gdb_target *target, const char *endpoint,
                         const struct hl_gdb_config *config, struct hl_error *error);

/*
 * Detach a debugger, close and unlink what was opened, end the thread.  Never waits for a client or
 * for the guest.  Not to be called from a hook or an operation of the target.  NULL is fine.
 */
HL_API void hl_gdb_destroy(struct hl_gdb *gdb);

/*
 * The endpoint as opened: "tcp:127.0.0.1:40123", "unix:/path" (absolute), "stdio".  Any thread;
 * lives until destroy, as does the next one.
 */
HL_API const char *hl_gdb_endpoint(const struct hl_gdb *gdb);

/* The same as GDB's `target remote` wants it: "127.0.0.1:40123", "/path"; "" for stdio. */
HL_API const char *hl_gdb_remote(const struct hl_gdb *gdb);

/*
 * Wait until a debugger has attached and left (stdio: until the end of its input): 0, or
 * HL_ERR_INTERRUPTED after timeout_ms; -1 waits forever.  Any thread, not concurrently with
 * destroy.
 */
HL_API int hl_gdb_wait_gone(struct hl_gdb *gdb, int timeout_ms);

/* A debugger holds or has resumed the guest.  Any thread. */
HL_API bool hl_gdb_attached(const struct hl_gdb *gdb);

#ifdef __cplusplus
}
#endif

#endif
