/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile.h - the inside of a profile.
 *
 * A tap is the observer of one sandbox.  It measures on the guest's thread, and stores code
 * addresses in the tables that all taps of the profile share, under `lock`.  Their names are looked
 * up when the document is written, from the image that the profile keeps: that may take long
 * (hl/symbols.h), and neither a call nor another tap waits for it.
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

#define PROFILE_DEPTH 512   /* frames recorded of a stack, as code addresses, ... */
#define PROFILE_FRAMES 1024 /* ... and with inlined functions */

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
#define KIND_REST UINT64_MAX /* detail of the kind for all that exceed the limit */

enum { FRAME_INLINED = 1, FRAME_UNCERTAIN = 2, FRAME_RUNTIME = 4 };

/* Found by a hash of the text; `turn` distinguishes strings with the same hash. */
struct profile_string {
    uint64_t hash, turn;
    char *text;
};

struct profile_frame {
    uint32_t function, file; /* in strings; TABLE_NONE: unknown */
    int32_t line;
    uint32_t flags;
    uint64_t address; /* if the file is unknown, else 0 */
};

/*
 * The frames of one code address once it is named, innermost first: [first, first + count) of
 * places.
 */
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

/* By kind and stack; a sample has a root instead of `times`. */
struct profile_exit {
    uint32_t kind, node;
    uint32_t site; /* of a view */
    uint64_t count, ns, min, max;
};

enum root { ROOT_GUEST, ROOT_HOST, ROOT_VMM, ROOTS };

struct profile_sample {
    uint32_t root, kind, node, unused; /* kind TABLE_NONE: no kind */
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
    uint32_t name, vm; /* KVM's name; vm: of the VM, else of the vCPU */
    uint64_t value;
};

struct hl_profile {
    pthread_mutex_t lock;
    unsigned forks; /* fork.h */
    struct hl_profile_config config;
    uint64_t period; /* in ns, 0: record each exit */
    char *path;
    uint64_t image_size, image_sum;
    const struct hl_image *image;
    struct table strings; /* items: struct profile_string */
    size_t string_bytes;
    struct table frames, codes, nodes, kinds, exits, samples, calls, counters;
    pthread_mutex_t naming;     /* taken before lock */
    struct hl_symbols *symbols; /* naming held; NULL: not opened yet, or opening failed */
    bool symbols_tried;
    uint32_t named;   /* codes that have names; naming and lock held to change it */
    uint32_t *places; /* frames of codes */
    uint32_t place_count;
    size_t place_room;
    uint64_t runs, exit_count, interrupts, lost, dropped;
    uint64_t wall, guest, host, vmm, observing;
    struct stat_times step[STEPS];
    uint64_t heap_size, heap_high, stack_size, stack_high;
    uint64_t *dirtied, *touched; /* bit sets over pages of guest memory; NULL: not counted */
    size_t page_words;
    bool doomed; /* destroyed; freed with its last tap */
    struct tap *taps;
};

/* The results, with frames instead of codes, for the document. */
struct profile_view {
    struct table nodes, exits, samples;
};

struct tap {
    struct hl_observer observer;
    struct hl_profile *profile;
    struct hl_sandbox *sb;
    struct hl_symbols *symbols; /* to walk stacks with; NULL: could not be opened */
    struct tap *next;           /* of the profile's */
    /* of the run in progress */
    uint64_t began;
    uint64_t guest, host, observing, exits;
    uint64_t seen;                  /* value of observing after an exit was recorded */
    uint64_t entered, left, served; /* of the last exit */
    uint64_t host_began, host_took;
    bool host_failed;
    uint32_t kind;                  /* of the exit in progress; TABLE_NONE: not counted */
    const char *import;             /* the host function it calls, or NULL */
    uint32_t stack;                 /* its number in nodes */
    bool first_entry, first_result; /* already seen */
    bool sampling;
    uint64_t due, taken; /* samples of the guest */
    uint64_t stack_low;
    struct machine_use use;
    struct vcpu_stat *before; /* KVM's counters when they were last read */
    size_t before_count;
    struct hl_place place[PROFILE_DEPTH];
};

/*
 * profile/stack.c: lock held.  The guest is at an exit, or at a tick: returns the stack's number in
 * nodes.
 */
uint32_t profile_walk(struct tap *t, bool past);

/* profile/names.c: naming held, but not lock. */
void profile_name(struct hl_profile *p);

/* profile/view.c: lock held.  False if memory runs out. */
bool profile_view_make(const struct hl_profile *p, struct profile_view *view);
void profile_view_free(struct profile_view *view);

/* profile/profile.c: initialise the locks again in a child of fork(). */
void profile_lock(struct hl_profile *p);
void profile_lock_naming(struct hl_profile *p);
uint32_t profile_intern(struct hl_profile *p, const char *text);
const char *profile_interned(const struct hl_profile *p, uint32_t string); /* NULL for TABLE_NONE */
void profile_intern_free(struct hl_profile *p);

/* Limits, so that a hostile guest cannot fill the host's memory: about 100 MiB. */
#define NODES_MAX (1u << 20)
#define ITEMS_MAX (1u << 18)
#define FEW_MAX (1u << 12)
#define STRINGS_MAX ((size_t)64 << 20) /* bytes */

/* profile/sample.c: lock held, except for begin and end. */
void sample_begin(struct tap *t);
void sample_end(struct tap *t, uint64_t began, uint64_t ended);
void sample_exit(struct tap *t, const struct hl_exit *exit);
void sample_served(struct tap *t, uint64_t began, uint64_t ended, bool past);

/* profile/memory.c */
void memory_begin(struct tap *t);
void memory_syscall(struct tap *t, uint64_t number);
void memory_end(struct tap *t, struct profile_call *call);

/* profile/kvm.c: KVM's own counters: their start, and the increase since.  Lock held. */
void counters_begin(struct tap *t);
void counters_update(struct tap *t);
void counters_end(struct tap *t);

/* profile/profile.c: the same as the public functions, for a caller that owns the sandbox. */
int profile_attach(struct hl_profile *p, struct hl_sandbox *sb, struct hl_error *error);
bool profile_is_of(const struct hl_profile *p, const struct hl_image *image, uint64_t sum);

#endif
