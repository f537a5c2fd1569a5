/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox.h - the inside of a sandbox, for hostlib's own files (hl/sandbox.h is the public part).
 */
#ifndef HL_SANDBOX_INTERNAL_H
#define HL_SANDBOX_INTERNAL_H

#include <elf.h>
#include <stdatomic.h>

#include <hl/observe.h>
#include <hl/sandbox.h>

#include "page.h"
#include "personality.h"
#include "sandbox_use.h"
#include "warden.h"

enum region_id {
    REGION_IMAGE,
    REGION_BOOT,
    REGION_INPUT,
    REGION_OUTPUT,
    REGION_STACK,
    REGION_HEAP,
    REGION_COUNT
};

#define SYSCALLS_COUNTED 32 /* different system calls per sandbox */

enum call_state { CALL_NONE, CALL_RUNNING, CALL_INTERRUPTED };

struct host_function {
    char *name;
    struct hl_signature signature;
    hl_host_fn *fn;
    void *opaque;
};

/* Memory that is reused while it is small: messages from the guest are copied into it. */
struct arena {
    uint8_t *data;
    size_t size;
};

/* One run of the guest, from begin to end, for observers. */
struct span {
    bool open;
    enum hl_run what;
    const char *name;
    uint64_t began;
};

struct hl_sandbox {
    const struct hl_image *image;
    const struct backend *backend; /* of its machine */
    struct hl_machine *machine;
    struct hl_sandbox_config config; /* sizes rounded; argv and envp not kept */
    struct hl_region region[REGION_COUNT];
    hl_gpa_t gpa[REGION_COUNT];
    struct hl_input *input; /* the two buffers, as mapped in the host */
    struct hl_output *output;
    size_t input_used; /* bytes of the input buffer that the call in progress occupies */

    enum hl_sandbox_state state;
    struct sandbox_use use;
    atomic_int call_state; /* enum call_state: what an interrupt would end */

    struct host_function *hosts;
    size_t host_count;
    int *host_of_import;    /* index into hosts, -1: not registered */
    uint64_t *import_calls; /* how often each was called */
    /* In the order of first use; later ones are counted only in counts.syscalls. */
    struct syscall_count {
        uint64_t number, count;
    } syscall_count[SYSCALLS_COUNTED];

    struct arena result, host_args;
    struct source *source; /* source.h */
    const struct personality *personality;
    void *os; /* state of the personality */
    struct hl_counts counts;
    struct hl_fault fault;
    bool has_fault;
    uint64_t create_ns; /* duration of create; until it is done, its start */
    bool cloned;        /* its guest already waits: start runs nothing */
    bool rewound;       /* READY, but the next call first runs the start again (for a debugger) */
    int guest_code, exit_status;
    int killed_by; /* POISONED without a fault: the equivalent Linux signal, or 0 */

    const char *calling;               /* the guest function in progress, or NULL */
    struct span span;                  /* ... or start or main, as observers see it */
    const struct hl_function *in_host; /* whose host function is running, or NULL */
    struct warden *warden;             /* NULL: no debugger can attach */
    struct limit *limit;               /* of each call, NULL: no limits */
    struct share *shares;              /* hl/share.h */
    enum hl_limit limit_hit;

    struct hl_observer *observers; /* hl/observe.h; in the order in which they were added */
    unsigned observed;             /* kinds of events that at least one of them wants */
    bool answered;                 /* the last system call was answered, ... */
    int64_t answer;                /* ... with this */
};

/* Results of the handler of an exit; below 0: an error with which the guest's run ends. */
enum { RUN_ON = 0, RUN_DONE = 1 };

/* Increment a counter that another thread may read meanwhile. */
static inline void sandbox_count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* Run the guest until it waits (0) or something ends its run (an error; the state is set). */
int sandbox_run(struct hl_sandbox *sb, struct hl_error *error);

/* sandbox/protocol.c: the guest violated the ABI; fills error with HL_ERR_PROTOCOL. */
int sandbox_protocol(struct hl_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

_Static_assert(REGION_COUNT == HL_REGIONS, "HL_REGIONS");

/* sandbox/sandbox.c: the caller's config with defaults filled in, and sizes rounded and checked. */
int sandbox_config(struct hl_sandbox_config *c, const struct hl_sandbox_config *config,
                   struct hl_error *error);

/*
 * Called for each sandbox that was just created or cloned; an error is returned by create.  The
 * list ends with NULL, and is in the file that puts the library together (parts.c).
 */
typedef int sandbox_hook(struct hl_sandbox *sb, struct hl_error *error);
extern sandbox_hook *const sandbox_hooks[];

/* sandbox/interrupt.c: hl_sandbox_interrupt(); true if a call was in progress. */
bool sandbox_interrupt(struct hl_sandbox *sb);

/*
 * The call in progress must end.  Host work whose length the guest chooses is done in steps of
 * about a millisecond, with this check between them.  Only an inspector sees what is left half
 * done: the guest does not run again before it is restored.
 */
static inline bool sandbox_is_interrupted(const struct hl_sandbox *sb)
{
    return atomic_load_explicit(&sb->call_state, memory_order_relaxed) == CALL_INTERRUPTED;
}

/* sandbox/interrupt.c: hl_machine_kick() that also ends a guest's sleep.  From any thread. */
void sandbox_kick(struct hl_sandbox *sb);

/*
 * sandbox/call.c: take the sandbox for this thread, in any state (BUSY), and give it back.  Leave
 * returns rc, or an error if the sandbox was destroyed meanwhile; after it the sandbox may be gone.
 */
int sandbox_enter(struct hl_sandbox *sb, struct use_frame frame, struct hl_error *error);
int sandbox_leave(struct hl_sandbox *sb, int rc, struct hl_error *error);

/* sandbox/call.c: run the start of a sandbox that a debugger has rewound to it; already taken. */
int sandbox_start_again(struct hl_sandbox *sb, struct hl_error *error);

/*
 * sandbox/call.c: the call in progress was left without a return: end it, and poison the sandbox.
 */
void sandbox_abandon(struct hl_sandbox *sb);
/* For a function between enter and leave: its frame, for code that unwinds the stack. */
#define SANDBOX_GUARD(name) struct hl_sandbox *name __attribute__((cleanup(sandbox_guard))) = NULL
void sandbox_guard(struct hl_sandbox **sb);

/* sandbox/run.c: "page fault: read of unmapped address 0x10 (NULL pointer)". */
void sandbox_fault_text(const struct hl_sandbox *sb, const struct hl_fault *fault, char *buf,
                        size_t size);

/* The parts of a sandbox.  NULL: those of parts.c, and the live source. */
struct sandbox_parts {
    const struct backend *backend;
    const struct personality *personality;
    struct source *source; /* must live as long as the sandbox */
};

/*
 * sandbox/sandbox.c: create an empty sandbox; NULL: out of memory.  It is then laid out, and
 * sandbox_made() calls the hooks, or destroys it if rc is an error: returns rc, or a hook's error.
 */
struct hl_sandbox *sandbox_begin(const struct hl_image *image, const struct sandbox_parts *parts,
                                 struct hl_error *error);
int sandbox_made(struct hl_sandbox **sandbox, struct hl_sandbox *sb, int rc,
                 struct hl_error *error);

/* hl_sandbox_create() with parts that the caller chooses. */
int sandbox_create(struct hl_sandbox **sandbox, const struct hl_image *image,
                   const struct hl_sandbox_config *config, const struct sandbox_parts *parts,
                   struct hl_error *error);

/*
 * sandbox/layout.c: lay out the address space, load the image, fill boot block and initial stack.
 */
void layout_plan(const struct hl_image *image, const struct hl_sandbox_config *config,
                 struct hl_region region[REGION_COUNT]);
/* The bytes of the machine's memory that this needs. */
size_t layout_memory(const struct hl_image *image, const struct hl_region region[REGION_COUNT]);
int layout_create(struct hl_sandbox *sb, const char *const *argv, const char *const *envp,
                  struct hl_error *error);

/* The same without contents and without mappings. */
struct machine_contents;
int layout_clone(struct hl_sandbox *sb, const struct machine_contents *contents,
                 struct hl_error *error);

/* The guest's auxiliary vector, AT_NULL included; returns the number of entries. */
#define LAYOUT_AUX_MAX 16
size_t layout_auxv(const struct hl_sandbox *sb, Elf64_auxv_t *aux);

/* sandbox/message.c: values to and from messages. */
/* A STRING whose len is 0 but that is not empty: the caller forgot to set it. */
bool message_lacks_len(const struct hl_value *value);
/* A result in the stack frame of a guest function that has returned. */
bool message_is_dead(const struct hl_sandbox *sb, const struct hl_message *message);
bool message_fits(const struct hl_sandbox *sb, size_t at, const struct hl_value *values,
                  size_t count);
size_t message_put(struct hl_sandbox *sb, struct hl_message *message, size_t at,
                   const struct hl_value *values, size_t count);
int message_get(struct hl_sandbox *sb, const struct hl_message *message, const enum hl_type *types,
                size_t count, struct arena *arena, struct hl_value *values, struct hl_error *error);
/* Check only types and lengths, for values that will not be read. */
int message_check(const struct hl_sandbox *sb, const struct hl_message *message,
                  const enum hl_type *types, size_t count, struct hl_error *error);
void arena_free(struct arena *arena);
/*
 * Free memory that only few messages need; not in a call that is interrupted, as that takes time.
 */
void arena_trim(const struct hl_sandbox *sb, struct arena *arena);
/* The text of a LOG, ERROR or ABORT, truncated; if it cannot be read, '?'. */
void message_text(struct hl_sandbox *sb, const struct hl_message *message, char *buf, size_t size);

/* sandbox/host.c: host functions. */
int host_link(struct hl_sandbox *sb, struct hl_error *error);
int host_call(struct hl_sandbox *sb, const struct hl_message *message, struct hl_error *error);
void host_free(struct hl_sandbox *sb);
/* The host function in progress did not return. */
void host_abandon(struct hl_sandbox *sb, const struct hl_error *error);

#endif
