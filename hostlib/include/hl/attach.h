/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/attach.h - the sandboxes of this user, in any process, that a debugger can attach to.
 *
 *     struct hl_attachable *list;
 *     size_t count;
 *     hl_attachable_list(&list, &count, &error);
 *     printf("gdb -ex 'target remote %s'\n", list[0].remote);
 *     hl_attachable_free(list);
 *
 * A sandbox is listed while it serves a debugger (hl/debug.h).
 */
#ifndef HL_ATTACH_H
#define HL_ATTACH_H

#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum hl_attachable_state {
    HL_ATTACHABLE_IDLE,     /* between two calls */
    HL_ATTACHABLE_IN_CALL,  /* of `function`; "" is set-up code */
    HL_ATTACHABLE_HELD,     /* stopped by a debugger, in `function` if that is not "" */
    HL_ATTACHABLE_POISONED, /* after a fault, an abort or an interruption; can be inspected */
    HL_ATTACHABLE_EXITED,
};

struct hl_attachable {
    int pid;
    unsigned number; /* of the sandbox in its process, from 1 */
    enum hl_attachable_state state;
    uint64_t calls, exits;
    char function[96];
    char program[64];   /* of the process */
    char endpoint[272]; /* "unix:/run/user/1000/hl/4711-1.sock" */
    char remote[272];   /* the argument for GDB's `target remote`; "" for stdio */
    char guest[4096];   /* absolute path of the guest's file */
};

/*
 * List them, ordered by process and number.  Entries of dead processes are removed from the
 * directory.  An empty list (NULL and 0) is not an error.  Any thread.  The list is a copy: it does
 * not change afterwards, and its processes may have exited.  Errors: MEMORY, SYSTEM (a directory
 * that cannot be trusted or read).
 */
HL_API int hl_attachable_list(struct hl_attachable **list, size_t *count, struct hl_error *error);
HL_API void hl_attachable_free(struct hl_attachable *list); /* NULL is fine */

/* "idle", "in a call", "held by a debugger", "poisoned", "exited" */
HL_API const char *hl_attachable_state_name(enum hl_attachable_state state);

#ifdef __cplusplus
}
#endif

#endif
