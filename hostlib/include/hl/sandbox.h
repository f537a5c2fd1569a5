/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/sandbox.h - a guest program in a micro-VM of its own: call its functions, serve its calls.
 *
 *     struct hl_image *image;
 *     struct hl_sandbox *sb;
 *     hl_image_open(&image, "guest", &error);
 *     hl_sandbox_create(&sb, image, NULL, &error);
 *     hl_sandbox_register(sb, "HostAdd", "i32(i32, i32)", host_add, NULL, &error);
 *     hl_sandbox_start(sb, &error);
 *     hl_sandbox_call(sb, "Add", args, 2, &result, &error);
 *     hl_sandbox_destroy(sb);
 *     hl_image_close(image);
 *
 * States: NEW (host functions may be registered) -> READY (set-up code ran, waiting) -> in a call
 * -> READY, or POISONED (fault, abort, interruption, broken ABI: still inspectable), or DEAD (the
 * guest exited).  A sandbox belongs to one thread at a time and may move between threads; a second
 * thread gets HL_ERR_BUSY.  hl_sandbox_interrupt() alone may come from any thread, any time before
 * destroy.  The thread needs 32 KiB of stack for libhl, core files and snapshots included, and more
 * for host functions and callbacks; 256 KiB with a debugger or a profiler (hl/symbols.h).
 *
 * Signals of the host program interrupt none of this, with SA_RESTART or without.  Beyond
 * RLIMIT_FSIZE a file is an error (EFBIG), never SIGXFSZ.
 *
 * Code of the program that runs inside of a call (host functions, observers, console, log) may leave
 * it without a return.  By an exception, pthread_exit() or a cancelled thread the call ends at once,
 * by longjmp() at the next use of the sandbox from the same thread, or from any once that has ended.
 * The sandbox is POISONED then and can be restored.  After a longjmp() on a stack that is not the
 * thread's own (coroutines, sigaltstack) it stays BUSY until the thread ends.
 *
 * After fork() a sandbox belongs to the parent.  In the child, destroy frees the copy and touches
 * nothing of the parent's, observers hear of it as ever, interrupt has no effect, and what starts,
 * calls or changes a sandbox is an error (STATE).  A child can make sandboxes of its own, from the
 * images and snapshots it has as well.  The machine below must not be used in the child at all.
 */
#ifndef HL_SANDBOX_H
#define HL_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>
#include <hl/image.h>
#include <hl/machine.h>
#include <hl/sized.h>
#include <hl/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hl_sandbox;

/*
 * A host function.  args are checked against the registered signature; their strings and bytes
 * belong to the library and live until the function returns.  A result other than void is set by
 * *result = hl_i32(1) and the like; its type is there already, for result->i32 = 1.  Strings and
 * bytes are copied after the return, so they may point to memory the function owns (static, or kept
 * in opaque).  Return 0, or non-zero for a failure: the guest sees
 * an error value with that code and error->text (see hl_error_set()); the sandbox lives on. It runs
 * on the thread that made the call and must not use this sandbox (HL_ERR_BUSY).
 */
typedef int hl_host_fn(void *opaque, const struct hl_value *args, size_t count,
                       struct hl_value *result, struct hl_error *error);

/* fd is 1 or 2: what the guest's libc wrote to stdout or stderr. */
typedef void hl_console_fn(void *opaque, int fd, const void *data, size_t size);

/* hl_log() of the guest; text is NUL-terminated, at most HL_LOG_MAX bytes, any bytes but NUL. */
typedef void hl_log_fn(void *opaque, int level, const char *text);

#define HL_LOG_MAX 4096

/*
 * Begin with HL_SANDBOX_CONFIG_INIT, or with {0}: hl/sized.h says what `size` is for.  The other
 * sizes are in bytes, rounded up to pages; 0 takes the default.  Memory that is never touched costs
 * nothing.  argv and envp are copied by create; argv NULL: one argument, the image's path.
 *
 * result_max bounds what the host holds for the guest outside of the guest's memory: the last
 * result, as long as *result of hl_sandbox_call() has it, and in a call the arguments of a host
 * function, each at most so large.  Between calls at most HL_RESULT_KEEP of the latter is kept,
 * or all of it after a call that was interrupted, until the sandbox is restored.
 */
struct hl_sandbox_config {
    size_t size HL_SIZED(hl_sandbox_config);
    size_t heap;       /* default HL_HEAP_DEFAULT */
    size_t stack;      /* default HL_STACK_DEFAULT */
    size_t input;      /* room for one call's arguments; default HL_BUFFER_DEFAULT */
    size_t output;     /* scratch room for results; default HL_BUFFER_DEFAULT */
    size_t shared;     /* room for files and buffers that hl/share.h maps; default: none */
    size_t result_max; /* bytes accepted in one message from the guest; default HL_RESULT_DEFAULT */
    size_t image_max;  /* LIMIT where the image's segments need more; default HL_IMAGE_MAX_DEFAULT */
    const char *const *argv;
    const char *const *envp;
    hl_console_fn *console; /* NULL: what the guest writes is dropped */
    hl_log_fn *log;         /* NULL: dropped */
    void *opaque;           /* for console and log */
    bool no_debugger;       /* HL_GDB in the environment is ignored (hl/debug.h), ... */
    bool no_profile;        /* ... and so is HL_PROFILE (hl/profile.h) */
};
#define HL_SANDBOX_CONFIG_INIT HL_SIZED_INIT(hl_sandbox_config)

#define HL_HEAP_DEFAULT (64u << 20)
#define HL_STACK_DEFAULT (1u << 20)
#define HL_BUFFER_DEFAULT (1u << 20)
#define HL_RESULT_DEFAULT (256u << 20)
#define HL_RESULT_KEEP (1u << 20)
#define HL_STACK_MIN (16u << 10)
#define HL_BUFFER_MIN (4u << 10)
#define HL_BUFFER_MAX (4ull << 30)
#define HL_STACK_MAX (4ull << 30)

enum hl_sandbox_state {
    HL_SANDBOX_NEW,
    HL_SANDBOX_READY,
    HL_SANDBOX_POISONED,
    HL_SANDBOX_DEAD,
};

/*
 * config may be NULL; it and the image may go after it, argv and envp are copied, opaque is kept.
 * Errors: those of hl_machine_create(), ARGUMENT (config's size), LIMIT.
 */
HL_API int hl_sandbox_create(struct hl_sandbox **sandbox, const struct hl_image *image,
                             const struct hl_sandbox_config *config, struct hl_error *error);
/*
 * In any state; NULL is fine.  Inside of one of its own calls (a host function, an observer, console,
 * log) it takes effect when that call returns, with INTERRUPTED; so it does, once, for a call that
 * another thread is in.  Nothing else may be done with the sandbox after it.  A debugger that holds
 * the idle guest is waited for, as by a process that a debugger has stopped.
 */
HL_API void hl_sandbox_destroy(struct hl_sandbox *sandbox);

/*
 * Offer a host function, before start.  signature as hl_signature_parse() reads it.  A function
 * that the guest does not import is kept and never called.  Errors: STATE (started), ARGUMENT (a
 * bad name or signature, a second one of the same name).
 */
HL_API int hl_sandbox_register(struct hl_sandbox *sandbox, const char *name, const char *signature,
                               hl_host_fn *fn, void *opaque, struct hl_error *error);

/*
 * Match the guest's imports against the host functions and run the guest's set-up code up to its
 * first wait.  A registered function whose signature differs from the guest's import is an error
 * (SIGNATURE); an import that nobody registered is not: calling it is an error value in the guest.
 */
HL_API int hl_sandbox_start(struct hl_sandbox *sandbox, struct hl_error *error);

/*
 * The n-th import, from 0, for which no function was registered; NULL past the last, and before
 * start.  Lives as long as the sandbox.
 */
HL_API const struct hl_function *hl_sandbox_missing(const struct hl_sandbox *sandbox, size_t n);

/*
 * Call a guest function.  Values are checked against its signature before the guest runs
 * (NO_FUNCTION, SIGNATURE, LIMIT when the arguments exceed the input buffer).  *result (may be
 * NULL) borrows strings and bytes from the sandbox until its next call, restore or destroy.
 * GUEST_ERROR leaves the sandbox READY; GUEST_ABORT, FAULT, INTERRUPTED and PROTOCOL leave it
 * POISONED; EXITED leaves it DEAD.
 */
HL_API int hl_sandbox_call(struct hl_sandbox *sandbox, const char *name,
                           const struct hl_value *args, size_t count, struct hl_value *result,
                           struct hl_error *error);
/* The same by position in the image's table (hl_image_find()), for a caller in a hurry. */
HL_API int hl_sandbox_call_index(struct hl_sandbox *sandbox, size_t index,
                                 const struct hl_value *args, size_t count, struct hl_value *result,
                                 struct hl_error *error);

/* Run the guest's main(): 0 with its exit status, and the sandbox is DEAD.  NO_MAIN, or as above.
 */
HL_API int hl_sandbox_main(struct hl_sandbox *sandbox, int *status, struct hl_error *error);

/* What the library does for a guest is done in steps that are shorter, on a free processor. */
#define HL_INTERRUPT_NS 10000000u

/*
 * End the call in progress with HL_ERR_INTERRUPTED: before the guest's first instruction and in
 * guest code at once, in a system call and the copying of values within HL_INTERRUPT_NS, in a host
 * function when that returns, and also while a debugger holds the guest.  The sandbox is POISONED,
 * can be looked at and restored; READY still where the call of one that serves a debugger had not
 * begun.  Without a call in progress it has no effect.
 */
HL_API void hl_sandbox_interrupt(struct hl_sandbox *sandbox);

/*
 * What each start, call and main may use from now on; 0 is no limit.  At a limit it ends as if
 * interrupted, with an error that says which one it was.  A debugger that holds the guest stops its
 * clocks (to within 20 ms).  A sandbox without limits pays nothing; the first limit on time starts
 * a thread of libhl's own, one a process, with all signals blocked.
 */
struct hl_limits {
    uint64_t wall_ns; /* time, in host functions too (then it ends when that returns) */
    uint64_t cpu_ns;  /* the thread's CPU time, host functions excepted */
    uint64_t exits;   /* how often the guest may come out: 1 is a call with nothing in it */
};
/* limits NULL: none.  Between calls.  Errors: BUSY, MEMORY, SYSTEM; then the old ones stay. */
HL_API int hl_sandbox_limit(struct hl_sandbox *sandbox, const struct hl_limits *limits,
                            struct hl_error *error);

/* The limit that ended the last start, call or main, if one did.  Between calls. */
enum hl_limit { HL_LIMIT_NONE, HL_LIMIT_WALL, HL_LIMIT_CPU, HL_LIMIT_EXITS };
HL_API enum hl_limit hl_sandbox_limit_hit(const struct hl_sandbox *sandbox);

/*
 * From here to hl_sandbox_counts(): by the thread that owns the sandbox, in any state, between
 * calls and in its host functions, observers, console and log.  They never fail.
 */
HL_API enum hl_sandbox_state hl_sandbox_state(const struct hl_sandbox *sandbox);
/* The image it was made from; lives as long as the sandbox, also when the program has closed it. */
HL_API const struct hl_image *hl_sandbox_image(const struct hl_sandbox *sandbox);

/* The fault that poisoned it, or NULL.  Lives until the next call, restore or destroy. */
HL_API const struct hl_fault *hl_sandbox_fault(const struct hl_sandbox *sandbox);
/* The number given by the guest with its last ERROR or ABORT; 0 before. */
HL_API int hl_sandbox_guest_code(const struct hl_sandbox *sandbox);
/* The exit status of a DEAD sandbox, 0 to 255; else 0. */
HL_API int hl_sandbox_exit_status(const struct hl_sandbox *sandbox);

/*
 * The machine below; lives as long as the sandbox.  Supported are, with it,
 *
 * - between calls and in observers, all that reads: registers, memory, mappings, the last exit;
 * - between calls hl_machine_write() and hl_machine_map(), protect and unmap, as if the guest had
 *   done it: a snapshot and a restore know of it.  With pages that the program has mapped or made
 *   accessible in its own way, hl_snapshot_save() fails (ARGUMENT).  Leave the "boot" and "input"
 *   regions alone, the next call writes there.
 *
 * Not supported, because the sandbox does not learn of it: run, set_regs, the results of exits,
 * kick (use hl_sandbox_interrupt()), alloc, destroy.
 */
HL_API struct hl_machine *hl_sandbox_machine(struct hl_sandbox *sandbox);

/* One mapped part of the address space, lowest first; for people and debuggers. */
struct hl_region {
    const char *name; /* "image", "boot", "input", "output", "heap", "stack" */
    hl_gva_t start;
    size_t size; /* of the whole region; of the heap only a part may be mapped */
    unsigned prot;
};
#define HL_REGIONS 6
/* Unmapped bytes between two of them, the image aside: more than a page, for large frames. */
#define HL_GUARD_SIZE 0x10000u
/* index: 0 to HL_REGIONS - 1, else NULL.  Lives as long as the sandbox and does not change. */
HL_API const struct hl_region *hl_sandbox_region(const struct hl_sandbox *sandbox, size_t index);
/*
 * Where the regions of such a sandbox would be; needs no KVM.  Any thread.  config may be NULL.
 * Errors: LIMIT, ARGUMENT (config).
 */
HL_API int hl_sandbox_plan(const struct hl_image *image, const struct hl_sandbox_config *config,
                           struct hl_region regions[HL_REGIONS], struct hl_error *error);

/* How often the guest came out, since create: each counts where the exit was caught. */
struct hl_counts {
    uint64_t exits; /* all of the below */
    uint64_t calls, host_calls, logs, syscalls, unknown_syscalls, faults, interrupts;
};
HL_API void hl_sandbox_counts(const struct hl_sandbox *sandbox, struct hl_counts *counts);

#ifdef __cplusplus
}
#endif

#endif
