/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_target.h - a gdb_target without a guest: memory, registers and a queue of stops that the
 * test fills.  It counts what the stub asked of it.
 */
#ifndef FAKE_TARGET_H
#define FAKE_TARGET_H

#include <pthread.h>

#include <hl/gdb_amd64.h>
#include <hl/gdb_target.h>

#define FAKE_BASE 0x10000u
#define FAKE_SIZE 0x40000u /* the page at FAKE_HOLE cannot be read */
#define FAKE_HOLE 0x20000u
#define FAKE_POINTS 64
#define FAKE_ROOM 0x48000u /* what can be allocated: one page */

struct fake_point {
    enum gdb_point kind;
    uint64_t address;
    size_t size;
};

struct fake {
    struct gdb_target target;
    struct gdb_description description;
    struct gdb_hooks hooks;
    pthread_mutex_t lock;
    int event_fd;
    bool event;
    struct gdb_stop stop;
    struct gdb_stop attach_stop; /* why it stands when a debugger comes */
    bool idle;                   /* resuming it does nothing, as with a sandbox between calls */
    bool instant;                /* every resume ends at once with a step */
    bool held, due;
    int fail; /* error of the next operations, or 0 */
    unsigned attaches, detaches, resumes, interrupts, restarts, kills, inserts, removes, writes;
    struct gdb_resume resume;
    uint8_t registers[GDB_AMD64_REGISTERS][GDB_REGISTER_MAX];
    uint8_t memory[FAKE_SIZE];
    struct fake_point points[FAKE_POINTS];
    size_t point_count;
    uint8_t pass[GDB_SIGNALS / 8];
    struct gdb_catch catch;
    uint64_t allocated; /* FAKE_ROOM, or 0 */
};

int fake_init(struct fake *f);
void fake_free(struct fake *f);
/* The guest stops; any thread. */
void fake_stop(struct fake *f, struct gdb_stop stop);

#endif
