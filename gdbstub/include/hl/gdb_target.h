/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/gdb_target.h - the seam between a GDB remote stub and whatever it debugs.
 *
 * The stub (libhlgdb) will speak the protocol over this table and nothing else: it never includes
 * linux/kvm.h or libhl's internals, so it can be tested with a fake target and no KVM.  hostlib's
 * debug target will fill the table for a sandbox.  Nothing implements it yet; the shape is settled
 * first because the sandbox's loop, its registers and its fault records are built to serve it.
 *
 * All functions are called from one thread, except interrupt.  They return 0 or a negative
 * enum hl_err; a target that lacks an ability leaves its pointer NULL, and the stub does not offer
 * the feature.  Addresses are guest virtual.
 */
#ifndef HL_GDB_TARGET_H
#define HL_GDB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* GDB's own numbers of the Z and z packets. */
enum gdb_point { GDB_SW_BREAK, GDB_HW_BREAK, GDB_WATCH_WRITE, GDB_WATCH_READ, GDB_WATCH_ACCESS };

enum gdb_resume { GDB_CONTINUE, GDB_STEP, GDB_RANGE_STEP };

enum gdb_stop_reason {
    GDB_STOP_SIGNAL, /* T with a signal: a fault, an abort, a break-in */
    GDB_STOP_SW_BREAK,
    GDB_STOP_HW_BREAK,
    GDB_STOP_WATCH, /* address and point say which */
    GDB_STOP_STEP,
    GDB_STOP_EXITED, /* W with a status */
};

struct gdb_stop {
    enum gdb_stop_reason reason;
    int signal;           /* GDB's numbering */
    int status;           /* GDB_STOP_EXITED */
    enum gdb_point point; /* GDB_STOP_WATCH */
    uint64_t address;     /* GDB_STOP_WATCH: the watched address, not that of the access */
};

struct gdb_target_ops {
    /* Registers by GDB's number in the target description; *size in: room, out: bytes. */
    int (*read_register)(void *target, unsigned number, void *buf, size_t *size);
    int (*write_register)(void *target, unsigned number, const void *buf, size_t size);

    /* How many bytes could be copied; breakpoints are never seen and never lost. */
    size_t (*read_memory)(void *target, uint64_t address, void *buf, size_t size);
    size_t (*write_memory)(void *target, uint64_t address, const void *buf, size_t size);

    int (*insert_point)(void *target, enum gdb_point point, uint64_t address, size_t size);
    int (*remove_point)(void *target, enum gdb_point point, uint64_t address, size_t size);

    /* Start the guest; wait() tells how it ended.  start and end bound GDB_RANGE_STEP. */
    int (*resume)(void *target, enum gdb_resume how, int signal, uint64_t start, uint64_t end);
    int (*wait)(void *target, struct gdb_stop *stop);
    void (*interrupt)(void *target); /* any thread */

    /* `monitor COMMAND`: a line of output at a time. */
    int (*monitor)(void *target, const char *command, void (*print)(void *opaque, const char *line),
                   void *opaque);

    /* The whole object for qXfer (features, memory-map, exec-file, auxv, siginfo); NULL: none. */
    const void *(*object)(void *target, const char *name, const char *annex, size_t *size);

    int (*restart)(void *target);  /* R, vRun: back to the snapshot */
    void (*detach)(void *target);  /* every breakpoint out, the guest runs on */
    void (*kill)(void *target);    /* k: the guest ends */
};

#endif
