/* SPDX-License-Identifier: Apache-2.0 */
/*
 * points.h - the points a debugger inserted, with their conditions and commands.
 *
 * The server thread changes the table while the guest is held; the guest's thread looks into it at
 * every hit.  Both take the lock, and the server thread holds it across no operation of the target.
 */
#ifndef GDB_POINTS_H
#define GDB_POINTS_H

#include <pthread.h>

#include "agent.h"

#include <hl/gdb_target.h>

#define GDB_POINT_BUCKETS 1024
#define GDB_POINTS_MAX (1u << 20)
#define GDB_CODE_MAX (64u << 20) /* bytes of all bytecode together */

/* Bytecode: each expression is preceded by its length in `sizes`. */
struct gdb_code {
    struct gdb_buf bytes;
    struct gdb_buf sizes; /* uint32_t each */
};

struct gdb_entry {
    struct gdb_entry *next;
    enum gdb_point point;
    uint64_t address;
    size_t size;
    struct gdb_code conditions, commands;
};

struct gdb_points {
    pthread_mutex_t lock;
    const struct gdb_target *target;
    gdb_agent_print *print; /* where commands print */
    void *print_opaque;
    bool active; /* a debugger is there */
    unsigned count;
    size_t code; /* bytes of bytecode held */
    struct gdb_entry *buckets[GDB_POINT_BUCKETS];
};

int gdb_points_init(struct gdb_points *points, const struct gdb_target *target,
                    gdb_agent_print *print, void *opaque);
void gdb_points_free(struct gdb_points *points);

/* Forget all points (the target removes them itself on detach) and set whether hits are reported.
 */
void gdb_points_reset(struct gdb_points *points, bool active);

bool gdb_points_has(struct gdb_points *points, enum gdb_point point, uint64_t address, size_t size);
/* Add or replace; takes entry over in every case.  HL_ERR_LIMIT. */
int gdb_points_put(struct gdb_points *points, struct gdb_entry *entry);
void gdb_points_drop(struct gdb_points *points, enum gdb_point point, uint64_t address,
                     size_t size);
void gdb_entry_free(struct gdb_entry *entry);

/* struct gdb_hooks.report: shall this hit become an event?  In the guest's thread. */
bool gdb_points_report(void *points, const struct gdb_stop *stop);

#endif
