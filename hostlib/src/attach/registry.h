/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry.h - where sandboxes that serve a debugger are found (hl/attach.h is the reading side).
 *
 * A private directory of the user, $XDG_RUNTIME_DIR/hl, /run/user/UID/hl or /tmp/hl-UID, holds one
 * file per sandbox, PID-N.  The process keeps it mapped, so that a change of state costs a few
 * stores.  The sandbox's private socket, if it has one, is PID-N.sock in the same directory.  If
 * another user owns /tmp/hl-UID, the directory is /tmp/hl-UID-XXXXXX.
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

/*
 * All functions below accept a NULL registry: *r is NULL after an error, which does not prevent
 * serving an explicitly given endpoint.
 */
int registry_add(struct registry **r, const struct hl_sandbox *sb, const char *endpoint,
                 const char *remote, struct hl_error *error);
/* function: the call in progress, or NULL; the name must be valid as long as the sandbox. */
void registry_update(struct registry *r, enum registry_state state, const char *function,
                     uint64_t calls, uint64_t exits);
void registry_remove(struct registry *r);

/* "unix:DIR/PID-N.sock", not used by any other sandbox. */
int registry_private_endpoint(char *buf, size_t size, struct hl_error *error);

/*
 * Held while a free endpoint is searched for, so that two processes that want the same one take
 * turns.  A process that has waited too long goes on without the lock: a lock must not hang another
 * program.  Returns a descriptor for registry_unlock(), or -1.
 */
int registry_lock(void);
void registry_unlock(int lock);

/* ---- attach/registry_dir.c: shared by attach/registry.c and attach/list.c */

#define REGISTRY_MAGIC "HLattach"
#define REGISTRY_VERSION 1u

/* The content of the file.  A file whose strings do not end with a NUL is ignored. */
struct registry_file {
    char magic[8];
    uint32_t version, pid, number;
    _Atomic uint32_t state;
    uint64_t started;       /* of the process, in clock ticks since boot: detects a reused pid */
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

/* In place of a directory's descriptor. */
enum { REGISTRY_ABSENT = -1, REGISTRY_FAILED = -2 };

/*
 * The directory for new entries, created if necessary; from the environment and our user.  Or
 * REGISTRY_FAILED.
 */
int registry_open(char path[REGISTRY_PATH], struct hl_error *error);

/* Call f for each directory that may hold entries, until it returns non-zero. */
typedef int registry_reader(void *opaque, const char *path, int directory, struct hl_error *error);
int registry_read(registry_reader *f, void *opaque, struct hl_error *error);

/*
 * When the process began, or 0 if it does not exist.  UNKNOWN: it may exist, but cannot be looked
 * up (no descriptors left, no /proc); its entries must not be removed.
 */
#define REGISTRY_UNKNOWN UINT64_MAX
uint64_t registry_started(int pid);
bool registry_alive(int pid, uint64_t started);
uint64_t registry_pid_namespace(void);

#endif
