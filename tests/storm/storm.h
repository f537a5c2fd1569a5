/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm.h - everything a host program does with sandboxes, in all its threads at once, under a
 * signal each 100 us.
 *
 * A worker has a few lives (a sandbox, and what must be true of it) and does one operation after
 * the other on them; its partner is the other thread that an operation needs.  What a round does
 * depends on the seed, the worker and the round alone, not on time.
 */
#ifndef TESTS_STORM_H
#define TESTS_STORM_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <hl/hl.h>

#define WORKERS 4
#define LIVES 3
#define HEAP (1u << 20)
#define SHARED (1u << 20)

enum job { JOB_NONE, JOB_INTERRUPT, JOB_DESTROY, JOB_DEBUG, JOB_END };
enum debug_end { END_DETACH, END_CLOSE, END_BREAK_IN, END_WAYS };

struct life {
    struct hl_sandbox *sb;
    int32_t counter;              /* the guest's, as it must be */
    struct hl_snapshot *snapshot; /* its own, or NULL, ... */
    int32_t counter_then;         /* ... and the counter in it */
    struct hl_profile *profile;   /* one of storm.profile, that it is attached to */
    bool debugged;
    struct worker *worker; /* whose partner HostPrint wakes in this call */
    bool destroyed_within; /* HostAdd destroys it in this call */
};

/* The thread at a worker's side. */
struct partner {
    pthread_t thread;
    sem_t wake, done;
    enum job job;
    unsigned turns; /* of waiting before it acts */
    enum debug_end end;
    struct life *life;
    atomic_bool over;
};

struct worker {
    unsigned number;
    pthread_t thread;
    uint64_t random;
    struct life *life[LIVES];
    struct partner partner;
    struct hl_error error;
    atomic_uint round;
    _Atomic(const char *) doing;
    unsigned long done;
};

struct storm {
    const char *guest;
    char directory[64];
    uint64_t seed;
    long period_ns;
    unsigned patience_s; /* for one operation */
    atomic_bool stop;
    struct hl_image *image;
    struct hl_snapshot *base; /* counter 0; of no worker's sandbox */
    struct hl_profile *profile[3];
    hl_gva_t function;  /* AddToStatic, ... */
    uint8_t code[4];    /* ... and how it begins */
    unsigned inherited; /* descriptors that children get, before any sandbox was */
    struct worker worker[WORKERS];
    _Atomic(struct life *) waiting; /* for the next worker that swaps */
};
extern struct storm storm;

/* storm.c */
uint64_t next_of(struct worker *w);
static inline unsigned below(struct worker *w, unsigned n)
{
    return (unsigned)(next_of(w) % n);
}
/* Says which round failed and why, and ends the program. */
_Noreturn void storm_fail(struct worker *w, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define CHECK(w, fine, ...)                                                                        \
    do {                                                                                           \
        if (!(fine))                                                                               \
            storm_fail(w, __VA_ARGS__);                                                            \
    } while (0)
/* rc is 0, or the error's text is why it failed. */
#define FINE(w, call) CHECK(w, (call) == 0, "%s: %s", #call, (w)->error.text)
void remove_directory(void);

/* tick.c: a signal each storm.period_ns for the calling thread, until tick_end(). */
struct tick;
struct tick *tick_begin(void);
void tick_end(struct tick *tick);

/* life.c: READY afterwards. */
void life_open(struct worker *w, struct life *l, const struct hl_snapshot *from, int32_t counter);
void life_close(struct life *l);
/* After a call that has ended it: as its own snapshot says, or the common one. */
void life_revive(struct worker *w, struct life *l);
/* A call that must be right. */
void life_add(struct worker *w, struct life *l, int32_t n);
int life_call(struct worker *w, struct life *l, const char *function, const char *text);

/* partner.c */
void partner_open(struct worker *w);
void partner_close(struct worker *w);
void partner_prepare(struct worker *w, struct life *l, enum job job);
void partner_wake(struct worker *w);
void partner_wait(struct worker *w);

/* debugger.c: a GDB that attaches, looks, stops at a breakpoint and goes. */
void debugger_visits(struct worker *w, const char *path, enum debug_end end);

/* ops.c and ops_more.c */
struct op {
    const char *name;
    void (*fn)(struct worker *w, struct life *l);
};
extern const struct op plain_ops[], more_ops[];
extern const unsigned plain_op_count, more_op_count;

/* child.c */
void op_fork(struct worker *w, struct life *l);
void op_exec(struct worker *w, struct life *l);
unsigned inheritable(void);

#endif
