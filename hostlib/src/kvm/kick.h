/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kick.h - interrupt KVM_RUN from another thread (public part: hl_kick_signal() in hl/machine.h).
 *
 * immediate_exit is set before the signal is sent: a vCPU that has not yet entered returns at once,
 * one that has entered is interrupted by the signal, and one that has just left finds
 * immediate_exit set at its next entry.
 */
#ifndef HL_KICK_H
#define HL_KICK_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>
#include <linux/kvm.h>

#include "deadline.h"

struct kick {
    pthread_mutex_t lock; /* guards all of it against kick_send() */
    pthread_t thread;     /* the thread that runs the vCPU, or ran it last */
    unsigned forks;       /* fork.h */
    bool known;           /* thread is set */
    bool running;
    bool whole;    /* the present run must not be interrupted, ... */
    bool deferred; /* ... and a kick has come meanwhile */
    bool masked;   /* the thread blocks the signal: KVM unblocks it, and it stays pending */
    /* samples: used only by the vCPU's thread */
    uint64_t period;    /* of the timer, 0: no timer */
    unsigned ticks;     /* that ended the last run, ... */
    bool asked;         /* ... and was there a kick among them? */
    uint64_t out_since; /* end of the last run */
    bool has_timer;
    timer_t timer;
    pid_t timer_thread; /* receives the timer's signals */
    sigset_t opened;    /* signals of ours that the thread did not block before sampling began */
    /* if no timer can be created: the deadline thread sends the ticks */
    struct deadline ticker;
    bool has_ticker;
    unsigned sent; /* ticks that the vCPU's thread has not taken yet */
};

/* Install the handler, once per process.  0 or HL_ERR_SYSTEM. */
int kick_install(void);

void kick_init(struct kick *k);
void kick_destroy(struct kick *k);

/* Around KVM_RUN.  whole: no kick and no signal may end it; they wait for the next run. */
int kick_run(struct kick *k, int vcpu_fd, struct kvm_run *run, bool whole);

/*
 * Let KVM complete the last exit's access, with an entry that ends at once.  Success is -1 with
 * EINTR; a kick meanwhile waits for the next run.
 */
int kick_settle(struct kick *k, int vcpu_fd, struct kvm_run *run);

/*
 * Let a timer end runs on this thread, at each multiple of period ns, until it is set to 0.  The
 * signal is that of kick_send(), blocked outside KVM_RUN meanwhile; ticks that arrive there are
 * dropped.  0, or -1 with errno.
 */
int kick_sample(struct kick *k, uint64_t period);

/* From any thread. */
void kick_send(struct kick *k, struct kvm_run *run);

#endif
