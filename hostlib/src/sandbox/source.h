/* SPDX-License-Identifier: Apache-2.0 */
/*
 * source.h - where everything comes from that enters a guest from outside: the seam between a
 * sandbox and what is different each time a guest runs.
 *
 * A guest has one vCPU and no devices: from one exit to the next it is a function of its state.
 * What makes two runs of it differ comes out of this table, or goes past it as a notice:
 *
 *     chance               getrandom(), /dev/urandom, AT_RANDOM, the boot block's random bytes
 *     time                 the clocks, the end of a sleep, the ring of an alarm
 *     host functions       their results and failures
 *     the instant          at which an alarm or an interrupt comes: before which entry
 *     the program's hand   memory that the program or a debugger writes, files that it maps
 *
 * The live source (source.c) is that of a sandbox whose maker has no wish: the host's own clocks
 * and functions.  A recorder calls the live one and writes down what it says; a replayer says what
 * was written down; a test says what it likes.  Such a source is a struct of its own whose first
 * member is `struct source`.  It must live as long as the sandbox, and serves one sandbox.
 *
 * All functions are called on the thread that has the sandbox, with the guest at rest.  They may
 * look at the sandbox and change its memory by machine_write() (no notice comes of that).
 *
 * Not in here: the arguments of calls, which are HL_EVENT_BEGIN's (who replays a run makes its
 * calls again); what an earlier run has left, for which there are snapshots; CPUID and vector
 * state, which are a snapshot's, too; rdtsc, rdrand and other instructions that no exit is made of.
 * Nor does the library hear of what a program writes by a pointer that hl_machine_memory() gave it,
 * or by hl_machine_map() and hl_machine_set_regs(): who wants the same run again does without them.
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

/* A guest's call of a host function, its arguments checked and copied. */
struct source_call {
    struct hl_sandbox *sandbox;
    const struct hl_function *import;
    const struct hl_value *args;
    hl_host_fn *fn; /* NULL: nobody registered it; only where a source answers_all */
    void *opaque;
};

enum source_change {
    SOURCE_WRITTEN,  /* contents of memory */
    SOURCE_MAPPED,   /* hl_sandbox_map_file(), _buffer(): pages that have these contents now */
    SOURCE_UNMAPPED, /* ... and that are gone */
};

struct source_ops {
    /* Fill buf.  0 or -errno, which is what the guest gets. */
    int (*random)(struct source *source, void *buf, size_t size);
    /* Linux's clocks 0 to CLOCK_BOOTTIME.  0 or -errno. */
    int (*clock)(struct source *source, int clock, struct timespec *time);
    int (*resolution)(struct source *source, int clock, struct timespec *resolution);
    /*
     * Sleep to `until` of CLOCK_MONOTONIC or CLOCK_REALTIME (NULL: without end) while *word is
     * `seen`; who wants the guest's thread changes the word and wakes its futex.  True when that
     * time has come; false: the caller looks what there is, and comes again.
     */
    bool (*wait)(struct source *source, int clock, const struct timespec *until,
                 _Atomic uint32_t *word, uint32_t seen);

    /*
     * Alarms.  open: room for one, so that setting it cannot fail (MEMORY, SYSTEM).  set: call
     * alarm->due() when CLOCK_MONOTONIC is `at` ns (DEADLINE_NEVER: not at all), on any thread, and
     * not for an earlier `at` once this has returned.  A source that calls it in `entry` or `wait`
     * can say when that was.
     */
    int (*open_alarm)(struct source *source, struct hl_error *error);
    void (*set_alarm)(struct source *source, struct deadline *alarm, uint64_t at);
    void (*close_alarm)(struct source *source, struct deadline *alarm);

    /*
     * What the function gives: *result has its type, and is checked as any function's.  Another
     * value than 0 fails it, with failure->text.  Data in the result live to the next call.
     */
    int (*call_host)(struct source *source, const struct source_call *call, struct hl_value *result,
                     struct hl_error *failure);
    bool answers_all; /* call_host() is for functions that nobody registered, too */

    /*
     * Before each entry of the guest, sandbox->counts.exits after the last one: what is to arrive
     * here is made to, by an alarm's due() or sandbox_interrupt().  0, or an error with which the
     * run ends.  NULL: nothing is.
     */
    int (*entry)(struct source *source, struct hl_sandbox *sandbox, struct hl_error *error);

    /*
     * A notice: the program, a host function of its or a debugger has changed what is at
     * [gva, gva + size).  NULL: nobody wants to know.
     */
    void (*changed)(struct source *source, struct hl_sandbox *sandbox, enum source_change change,
                    hl_gva_t gva, size_t size);
};

struct source {
    const struct source_ops *ops;
};

/* The one of sandboxes whose maker has no wish; it has no state, and a recorder may call it. */
extern struct source source_live;

/* ---- for those who ask ---- */

int source_random(struct hl_sandbox *sb, void *buf, size_t size);
int source_clock(struct hl_sandbox *sb, int clock, struct timespec *time);
/* CLOCK_MONOTONIC in ns, for alarms; 0 where the source does not say. */
uint64_t source_now(struct hl_sandbox *sb);
void source_changed(struct hl_sandbox *sb, enum source_change change, hl_gva_t gva, size_t size);
/* From now on the source hears of what hl_machine_write() writes, if it wants to. */
void source_listen(struct hl_sandbox *sb);

#endif
