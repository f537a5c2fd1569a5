/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - the origin of everything that enters a guest from outside: the seam between a sandbox
 * and what differs each time a guest runs.
 *
 * A guest has one vCPU and no devices: from one exit to the next it is a function of its state.
 * Whatever makes two runs differ comes from this table, or is reported to it by a notice:
 *
 *     chance               getrandom(), /dev/urandom, AT_RANDOM, the boot block's random bytes
 *     time                 the clocks, the end of a sleep, the expiry of an alarm
 *     host functions       their results and failures
 *     the instant          at which an alarm or an interrupt arrives: before which entry
 *     the program's hand   memory that the program or a debugger writes, files that it maps
 *
 * The default is the live source (source.c), with the host's own clocks and functions.  A recorder
 * calls the live source and stores its answers; a replayer returns the stored answers; a test
 * returns what it likes.  Such a source is a struct whose first member is `struct source`.  It must
 * live as long as the sandbox, and serves one sandbox.
 *
 * All functions are called on the thread that has the sandbox, while the guest is stopped.  They
 * may read the sandbox, and change its memory with machine_write() (which causes no notice).
 *
 * Not part of a source are the arguments of calls, which are in HL_EVENT_BEGIN (to replay a run,
 * repeat its calls); the state left by an earlier run, for which there are snapshots; CPUID and
 * vector state, which a snapshot includes; rdtsc, rdrand and other instructions that do not cause
 * an exit.  The library also gets no notice of what a program writes through a pointer from
 * hl_machine_memory(), or with hl_machine_map() and hl_machine_set_regs(): a program that needs the
 * same run again must not use these.
 */
#ifndef HL_SOURCE_H
#define HL_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <hl/sandbox.h>

struct deadline;
struct source;

/* A guest's call of a host function; its arguments have been checked and copied. */
struct source_call {
    struct hl_sandbox *sandbox;
    const struct hl_function *import;
    const struct hl_value *args;
    hl_host_fn *fn; /* NULL: not registered; only if the source answers_all */
    void *opaque;
};

enum source_change {
    SOURCE_WRITTEN,  /* contents of memory */
    SOURCE_MAPPED,   /* hl_sandbox_map_file(), _buffer(): pages with these contents were mapped */
    SOURCE_UNMAPPED, /* ... or unmapped */
};

struct source_ops {
    /* Fill buf.  0 or -errno, which the guest gets. */
    int (*random)(struct source *source, void *buf, size_t size);
    /* Linux's clocks 0 to CLOCK_BOOTTIME.  0 or -errno. */
    int (*clock)(struct source *source, int clock, struct timespec *time);
    int (*resolution)(struct source *source, int clock, struct timespec *resolution);
    /*
     * Sleep until `until` of CLOCK_MONOTONIC or CLOCK_REALTIME (NULL: without end) while *word is
     * `seen`.  A thread that wants the guest's thread changes the word, then futex_wake().  True
     * if that time has come; false: the caller checks what happened, and calls again.
     */
    bool (*wait)(struct source *source, int clock, const struct timespec *until,
                 _Atomic uint32_t *word, uint32_t seen);

    /*
     * Alarms.  open: make room for one, so that setting it cannot fail (MEMORY, SYSTEM).  set: call
     * alarm->due() when CLOCK_MONOTONIC reaches `at` ns (DEADLINE_NEVER: never), on any thread;
     * after set returns, it is no longer called for an earlier `at`.  A source that calls it in
     * `entry` or `wait` knows when that was.
     */
    int (*open_alarm)(struct source *source, struct hl_error *error);
    void (*set_alarm)(struct source *source, struct deadline *alarm, uint64_t at);
    void (*close_alarm)(struct source *source, struct deadline *alarm);

    /*
     * Call the function: *result has its type set, and is checked as that of any function.
     * Non-zero is a failure, with failure->text.  Data in the result must be valid until the next
     * call.
     */
    int (*call_host)(struct source *source, const struct source_call *call, struct hl_value *result,
                     struct hl_error *failure);
    bool answers_all; /* call_host() also serves functions that are not registered */

    /*
     * Before each entry of the guest, sandbox->counts.exits after the last one: make what is due
     * here arrive, with an alarm's due() or sandbox_interrupt().  0, or an error with which the run
     * ends.  NULL: nothing to do.
     */
    int (*entry)(struct source *source, struct hl_sandbox *sandbox, struct hl_error *error);

    /*
     * A notice: the program, one of its host functions or a debugger has changed the memory at
     * [gva, gva + size).  NULL: not wanted.
     */
    void (*changed)(struct source *source, struct hl_sandbox *sandbox, enum source_change change,
                    hl_gva_t gva, size_t size);
};

struct source {
    const struct source_ops *ops;
};

/* The default source; it has no state, and a recorder may call it. */
extern struct source source_live;

/* ---- for callers ---- */

int source_random(struct hl_sandbox *sb, void *buf, size_t size);
int source_clock(struct hl_sandbox *sb, int clock, struct timespec *time);
/* CLOCK_MONOTONIC in ns, for alarms; 0 if the source has no answer. */
uint64_t source_now(struct hl_sandbox *sb);
void source_changed(struct hl_sandbox *sb, enum source_change change, hl_gva_t gva, size_t size);
/* From now on the source is notified of hl_machine_write(), if it wants notices. */
void source_listen(struct hl_sandbox *sb);

#endif
