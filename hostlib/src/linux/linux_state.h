/* SPDX-License-Identifier: Apache-2.0 */
/* linux_state.h - the host's state of a guest's Linux process. */
#ifndef HL_LINUX_STATE_H
#define HL_LINUX_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"

#define LINUX_SIGNALS 64
#define LINUX_FILES 64 /* descriptors from 0 up */

/* Fields of rt_sigaction(). */
struct linux_action {
    uint64_t handler, flags, restorer, mask;
};

struct linux_file {
    uint8_t kind; /* enum file_kind; 0: closed */
    uint8_t cloexec;
    uint16_t flags; /* O_*: the access mode and the flags fcntl() can change */
    uint32_t id;    /* dup() shares it, and with it the flags */
};

/* All state but memory.  No pointers: it is stored in snapshot files as it is. */
struct linux_process {
    uint64_t blocked, pending; /* bit n - 1: signal n */
    uint64_t alt_stack, alt_size;
    uint32_t alt_flags;
    uint32_t next_file;                  /* id */
    uint64_t timer_left, timer_interval; /* ITIMER_REAL's in ns; left: only in a snapshot */
    uint8_t cause[LINUX_SIGNALS];        /* enum linux_cause of those pending */
    struct linux_action action[LINUX_SIGNALS];
    struct linux_file file[LINUX_FILES];
};

extern const struct linux_process linux_initial;

/* ITIMER_REAL: the source only reports that it has expired. */
struct linux_timer {
    struct deadline deadline; /* the first member */
    struct hl_sandbox *sb;
    uint64_t next; /* when it expires, or DEADLINE_NEVER; by source_now() */
    bool open;
    atomic_bool rung;
};

/* The thread of a sleeping guest, and those that wake it. */
struct linux_nap {
    _Atomic uint32_t wakes; /* a futex */
    atomic_bool asleep;
    /* A sleep that was interrupted to be repeated: the same call continues, with the same end. */
    bool kept;
    bool endless;
    int clock;
    uint64_t number, rip, rsp;
    struct timespec until;
    bool suspended; /* the sleep has its own mask; the old one is `back` */
    uint64_t back;
};

/* The Linux state that a libc needs. */
struct linux_state {
    uint64_t brk;
    uint64_t *used; /* one bit per page of the heap, set if mmap or brk allocated it */
    size_t pages;   /* of the heap */
    size_t top;     /* no free page at or above this index */
    bool changed;   /* process or used, since the snapshot that dirty marks count from */
    /* linux_initial as long as the guest is in that state; then own, which is untouched before. */
    const struct linux_process *process;
    struct linux_process *own;
    struct linux_nap nap;
    struct linux_timer timer;
};

/* The same, as stored in a snapshot. */
struct linux_saved {
    uint64_t brk, top;
    struct linux_process process;
    uint64_t used[];
};
_Static_assert(sizeof(struct linux_saved) % 8 == 0, "in a snapshot's file");

#endif
