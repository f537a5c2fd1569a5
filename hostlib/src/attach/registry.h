/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - where sandboxes that serve a debugger are found (hl/attach.h is the reading side).
 *
 * A private directory of the user, $XDG_RUNTIME_DIR/hl, /run/user/UID/hl or /tmp/hl-UID, holds one
 * file a sandbox, PID-N, that its process keeps mapped: telling a state costs a few stores.  Its
 * private socket, if it has one, lies beside it as PID-N.sock.  Where another user has the name
 * /tmp/hl-UID it is /tmp/hl-UID-XXXXXX.
 */
#ifndef HL_REGISTRY_H
#define HL_REGISTRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/attach.h>
#include <hl/sandbox.h>

struct registry;

enum registry_state {
    REGISTRY_IDLE = HL_ATTACHABLE_IDLE,
    REGISTRY_IN_CALL = HL_ATTACHABLE_IN_CALL,
    REGISTRY_HELD = HL_ATTACHABLE_HELD,
    REGISTRY_POISONED = HL_ATTACHABLE_POISONED,
    REGISTRY_EXITED = HL_ATTACHABLE_EXITED,
};

/* *r is NULL after an error, which an explicitly given endpoint survives: all below take NULL. */
int registry_add(struct registry **r, const struct hl_sandbox *sb, const char *endpoint,
                 const char *remote, struct hl_error *error);
/* function: the call in progress, or NULL; the name must live as long as the sandbox. */
void registry_update(struct registry *r, enum registry_state state, const char *function,
                     uint64_t calls, uint64_t exits);
void registry_remove(struct registry *r);

/* "unix:DIR/PID-N.sock", not used by any other sandbox. */
int registry_private_endpoint(char *buf, size_t size, struct hl_error *error);

/*
 * Held while an endpoint is looked for: two that want the same one take turns.  One that waits too
 * long goes on: nobody's lock hangs another program.  A descriptor for registry_unlock(), or -1.
 */
int registry_lock(void);
void registry_unlock(int lock);

/* ---- attach/registry_dir.c: shared by attach/registry.c and attach/list.c */

#define REGISTRY_MAGIC "HLattach"
#define REGISTRY_VERSION 1u

/* The file's content.  Strings end with a NUL, or the file is not to be believed. */
struct registry_file {
    char magic[8];
    uint32_t version, pid, number;
    _Atomic uint32_t state;
    uint64_t started;       /* the process, in clock ticks since boot: tells pids used again */
    uint64_t pid_namespace; /* where pid means something */
    _Atomic uint64_t calls, exits;
    _Atomic uint32_t sequence; /* odd while function changes */
    char function[sizeof(((struct hl_attachable *)0)->function)];
    char program[sizeof(((struct hl_attachable *)0)->program)];
    char endpoint[sizeof(((struct hl_attachable *)0)->endpoint)];
    char remote[sizeof(((struct hl_attachable *)0)->remote)];
    char guest[sizeof(((struct hl_attachable *)0)->guest)];
};

#define REGISTRY_PATH 128

/* Where new entries go, made first if need be: by the environment, and who we are.  -2: an error.
 */
int registry_open(char path[REGISTRY_PATH], struct hl_error *error);

/* Each directory where there may be entries, until f returns what is not 0. */
typedef int registry_reader(void *opaque, const char *path, int directory, struct hl_error *error);
int registry_read(registry_reader *f, void *opaque, struct hl_error *error);

/*
 * When the process began, 0: there is none.  UNKNOWN: there may be one, but it cannot be asked for
 * (no descriptor is left, no /proc): it is not the one to sweep after.
 */
#define REGISTRY_UNKNOWN UINT64_MAX
uint64_t registry_started(int pid);
bool registry_alive(int pid, uint64_t started);
uint64_t registry_pid_namespace(void);

#endif
