/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - inside of a profile.
 *
 * A tap is the observer of one sandbox.  It measures on the guest's thread; what it finds goes into
 * the tables that all taps of the profile share, under `lock`: code addresses.  Their names are
 * looked up when the document is made, from the image that the profile keeps for it: that may take
 * its time (hl/symbols.h), and neither a call nor another tap has to wait for it.
 */
#ifndef HL_PROFILE_INTERNAL_H
#define HL_PROFILE_INTERNAL_H

#include <pthread.h>

#include <hl/profile.h>
#include <hl/symbols.h>

#include "machine_use.h"
#include "observe.h"
#include "profile_stat.h"
#include "table.h"
#include "backend.h"

#define PROFILE_DEPTH 512   /* of a stack that is recorded, as code addresses, ... */
#define PROFILE_FRAMES 1024 /* ... and with what is inlined there */

enum reason {
    REASON_HOST,
    REASON_SYSCALL,
    REASON_RESULT,
    REASON_LOG,
    REASON_ABORT,
    REASON_IO,
    REASON_MMIO,
    REASON_FAULT,
    REASON_SHUTDOWN,
    REASONS,
};
#define KIND_REST UINT64_MAX /* detail of the kind of those that got none of their own */

enum { FRAME_INLINED = 1, FRAME_UNCERTAIN = 2, FRAME_RUNTIME = 4 };

/* Found by a hash of the text; `turn` tells apart those that share one. */
struct profile_string {
    uint64_t hash, turn;
    char *text;
};

struct profile_frame {
    uint32_t function, file; /* in strings; TABLE_NONE: not known */
    int32_t line;
    uint32_t flags;
    uint64_t address; /* where there is no file, else 0 */
};

/* Once it is named, the frames of one code address, innermost first: [first, first + count) of
 * places. */
struct profile_code {
    uint64_t at;
    uint64_t uncertain;
    uint64_t pc;
    uint32_t first, count;
};

struct profile_node {
    uint32_t parent, what; /* parent TABLE_NONE: outermost; in codes, or in frames of a view */
};

struct profile_kind {
    uint32_t reason, name; /* in strings */
    uint64_t detail;       /* port, number, vector, address */
    struct stat_times times;
    uint64_t failed, function_ns;
};

/* By kind and stack; a sample has a root in the place of `times`. */
struct profile_exit {
    uint32_t kind, node;
    uint32_t site; /* of a view */
    uint64_t count, ns, min, max;
};

enum root { ROOT_GUEST, ROOT_HOST, ROOT_VMM, ROOTS };

struct profile_sample {
    uint32_t root, kind, node, unused; /* kind TABLE_NONE: none */
    uint32_t site;                     /* of a view */
    uint64_t count;
};

struct range_of {
    uint64_t min, max, sum, count;
};

struct profile_call {
    uint32_t name;
    uint32_t unused;
    struct stat_times times;
    uint64_t failed, interrupted, exits, guest, host, vmm;
    struct range_of dirtied, touched;
};

enum step { STEP_LOAD, STEP_CREATE, STEP_INSTRUCTION, STEP_RESULT, STEP_RESTORE, STEPS };

struct profile_counter {
    uint32_t name, vm; /* KVM's; of the VM, else of the vCPU */
    uint64_t value;
};

struct hl_profile {
    pthread_mutex_t lock;
    unsigned forks; /* fork.h */
    struct hl_profile_config config;
    uint64_t period; /* ns, 0: each exit is looked at */
    char *path;
    uint64_t image_size, image_sum;
    const struct hl_image *image;
    struct table strings; /* items: struct profile_string */
    size_t string_bytes;
    struct table frames, codes, nodes, kinds, exits, samples, calls, counters;
    pthread_mutex_t naming;     /* taken before lock */
    struct hl_symbols *symbols; /* naming held; NULL: not opened yet, or it cannot be */
    bool symbols_tried;
    uint32_t named;   /* codes that are: naming and lock held to change it */
    uint32_t *places; /* frames of codes */
    uint32_t place_count;
    size_t place_room;
    uint64_t runs, exit_count, interrupts, lost, dropped;
    uint64_t wall, guest, host, vmm, observing;
    struct stat_times step[STEPS];
    uint64_t heap_size, heap_high, stack_size, stack_high;
    uint64_t *dirtied, *touched; /* bit sets over pages of guest memory; NULL: not counted */
    size_t page_words;
    bool doomed; /* destroyed, and it goes with its last tap */
    struct tap *taps;
};

/* What has been found, by frames in the place of codes, for the document. */
struct profile_view {
    struct table nodes, exits, samples;
};

struct tap {
    struct hl_observer observer;
    struct hl_profile *profile;
    struct hl_sandbox *sb;
    struct hl_symbols *symbols; /* to walk stacks with; NULL: none could be opened */
    struct tap *next;           /* of the profile's */
    /* of the run in progress */
    uint64_t began;
    uint64_t guest, host, observing, exits;
    uint64_t seen;                  /* observing, when an exit had been looked at */
    uint64_t entered, left, served; /* of the last exit */
    uint64_t host_began, host_took;
    bool host_failed;
    uint32_t kind;                  /* of the exit in progress; TABLE_NONE: none that counts */
    const char *import;             /* the host function it calls, or NULL */
    uint32_t stack;                 /* its number in nodes */
    bool first_entry, first_result; /* told already */
    bool sampling;
    uint64_t due, taken; /* samples of the guest */
    uint64_t stack_low;
    struct machine_use use;
    struct vcpu_stat *before; /* KVM's counters when they were last looked at */
    size_t before_count;
    struct hl_place place[PROFILE_DEPTH];
};

/* profile/stack.c: lock held.  The guest stands at an exit, or at a tick: its number in nodes. */
uint32_t profile_walk(struct tap *t, bool behind);

/* profile/names.c: naming held, and not lock. */
void profile_name(struct hl_profile *p);

/* profile/view.c: lock held.  False where there was no memory. */
bool profile_view_make(const struct hl_profile *p, struct profile_view *view);
void profile_view_free(struct profile_view *view);

/* profile/profile.c: in a child of fork() the locks are new ones. */
void profile_lock(struct hl_profile *p);
void profile_lock_naming(struct hl_profile *p);
uint32_t profile_intern(struct hl_profile *p, const char *text);
const char *profile_interned(const struct hl_profile *p, uint32_t string); /* NULL for TABLE_NONE */
void profile_intern_free(struct hl_profile *p);

/* So that a hostile guest cannot fill the host's memory: about 100 MiB. */
#define NODES_MAX (1u << 20)
#define ITEMS_MAX (1u << 18)
#define FEW_MAX (1u << 12)
#define STRINGS_MAX ((size_t)64 << 20) /* bytes */

/* profile/sample.c: lock held but for begin and end. */
void sample_begin(struct tap *t);
void sample_end(struct tap *t, uint64_t began, uint64_t ended);
void sample_exit(struct tap *t, const struct hl_exit *exit);
void sample_served(struct tap *t, uint64_t began, uint64_t ended, bool behind);

/* profile/memory.c */
void memory_begin(struct tap *t);
void memory_syscall(struct tap *t, uint64_t number);
void memory_end(struct tap *t, struct profile_call *call);

/* profile/kvm.c: KVM's own counters, as they were, and what has come since.  Lock held. */
void counters_begin(struct tap *t);
void counters_update(struct tap *t);
void counters_end(struct tap *t);

/* profile/profile.c: the same as the public ones, without asking whose turn it is. */
int profile_attach(struct hl_profile *p, struct hl_sandbox *sb, struct hl_error *error);
bool profile_is_of(const struct hl_profile *p, const struct hl_image *image, uint64_t sum);

#endif
