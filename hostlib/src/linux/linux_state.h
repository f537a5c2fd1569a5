/* SPDX-License-Identifier: Apache-2.0 */
/* linux_state.h - what the host remembers of a guest's Linux process. */
#ifndef HL_LINUX_STATE_H
#define HL_LINUX_STATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "deadline.h"

#define LINUX_SIGNALS 64
#define LINUX_FILES 64 /* descriptors from 0 up */

/* As rt_sigaction() has it. */
struct linux_action {
    uint64_t handler, flags, restorer, mask;
};

struct linux_file {
    uint8_t kind; /* enum file_kind; 0: closed */
    uint8_t cloexec;
    uint16_t flags; /* O_*: the access mode and what fcntl() may change */
    uint32_t id;    /* dup() shares it, and with it the flags */
};

/* All but memory.  No pointers: a snapshot's file has it as it is. */
struct linux_process {
    uint64_t blocked, pending; /* bit n - 1: signal n */
    uint64_t alt_stack, alt_size;
    uint32_t alt_flags;
    uint32_t next_file;                  /* id */
    uint64_t timer_left, timer_interval; /* ITIMER_REAL's in ns; left: in a snapshot only */
    uint8_t cause[LINUX_SIGNALS];        /* enum linux_cause of those pending */
    struct linux_action action[LINUX_SIGNALS];
    struct linux_file file[LINUX_FILES];
};

extern const struct linux_process linux_initial;

/* ITIMER_REAL: the source only says that it has rung. */
struct linux_timer {
    struct deadline deadline; /* the first member */
    struct hl_sandbox *sb;
    uint64_t next; /* when it rings, or DEADLINE_NEVER; by source_now() */
    bool open;
    atomic_bool rung;
};

/* A sleeping guest's thread, and those who wake it. */
struct linux_nap {
    _Atomic uint32_t wakes; /* a futex */
    atomic_bool asleep;
    /* A sleep that was broken off to be made again: the same call goes on to the same end. */
    bool kept;
    bool endless;
    int clock;
    uint64_t number, rip, rsp;
    struct timespec until;
    bool suspended; /* the mask was another one for the time of the sleep; then it is `back` */
    uint64_t back;
};

/* The little of Linux a libc needs the host to remember. */
struct linux_state {
    uint64_t brk;
    uint64_t *used; /* one bit a page of the heap that mmap or brk gave out */
    size_t pages;   /* of the heap */
    size_t top;     /* no free page at or above this index */
    bool changed;   /* process or used, since the snapshot that the machine's marks begin with */
    /* linux_initial, as long as that is true of the guest; then own, which nobody touches before.
     */
    const struct linux_process *process;
    struct linux_process *own;
    struct linux_nap nap;
    struct linux_timer timer;
};

/* The same as a snapshot has it. */
struct linux_saved {
    uint64_t brk, top;
    struct linux_process process;
    uint64_t used[];
};
_Static_assert(sizeof(struct linux_saved) % 8 == 0, "in a snapshot's file");

#endif
