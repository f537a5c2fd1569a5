/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/sandbox.h - run a guest program in its own micro-VM: call its functions, serve its calls.
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
 * States: NEW (host functions may be registered) -> READY (set-up code has run, waiting) -> in a
 * call -> READY, or POISONED (fault, abort, interruption, broken ABI; can be inspected), or DEAD
 * (the guest exited).  A sandbox belongs to one thread at a time and may move between threads; a
 * second thread gets HL_ERR_BUSY.  Only hl_sandbox_interrupt() may be called from any thread, at
 * any time before destroy.  The thread needs 32 KiB of stack for libhl, core files and snapshots
 * included, and more for host functions and callbacks; 256 KiB with a debugger or a profiler
 * (hl/symbols.h).
 *
 * Signals that the host program handles do not interrupt any of these functions, with SA_RESTART or
 * without.  Writing a file beyond RLIMIT_FSIZE is an error (EFBIG), never SIGXFSZ.
 *
 * The program's code that runs inside a call (host functions, observers, console, log) may leave it
 * without returning.  After an exception, pthread_exit() or a cancellation the call ends at once;
 * after longjmp() it ends at the next use of the sandbox from the same thread, or from any thread
 * once that one has ended.  The sandbox is then POISONED and can be restored.  After a longjmp() on
 * a stack that is not the thread's own (coroutines, sigaltstack) it stays BUSY until the thread
 * ends.
 *
 * After fork() a sandbox belongs to the parent.  In the child, destroy frees the copy without
 * affecting the parent, observers are notified of it as usual, interrupt has no effect, and
 * starting, calling or changing the sandbox is an error (STATE).  The child can create sandboxes,
 * also from the images and snapshots that it inherited.  It must not use the sandbox's machine.
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
 * A host function.  args match the registered signature; their strings and bytes belong to the
 * library and are valid until the function returns.  Set a result other than void with *result =
 * hl_i32(1) and the like, or with result->i32 = 1: result->type is already set.  Strings and bytes
 * are copied after the function returns, so they must not point to its local variables; use static
 * memory, or memory kept in opaque.  Return 0, or non-zero for a failure: the guest gets an error
 * value with that code and error->text (see hl_error_set()), and the sandbox stays usable.  The
 * function runs on the thread that made the call and must not use this sandbox (HL_ERR_BUSY).
 */
typedef int hl_host_fn(void *opaque, const struct hl_value *args, size_t count,
                       struct hl_value *result, struct hl_error *error);

/* Output of the guest's libc; fd is 1 (stdout) or 2 (stderr). */
typedef void hl_console_fn(void *opaque, int fd, const void *data, size_t size);

/* hl_log() in the guest.  text is at most HL_LOG_MAX bytes of any kind, terminated by a NUL. */
typedef void hl_log_fn(void *opaque, int level, const char *text);

#define HL_LOG_MAX 4096

/*
 * Initialise with HL_SANDBOX_CONFIG_INIT or {0}; hl/sized.h explains `size`.  The other sizes are
 * in bytes, rounded up to pages; 0 is the default.  Memory that is never touched costs nothing.
 * create copies argv and envp; if argv is NULL, the guest gets one argument, the image's path.
 *
 * result_max limits the memory that the host holds for the guest outside the guest's own: the last
 * result, as long as hl_sandbox_call() keeps it valid, and during a call the arguments of a host
 * function.  Each can be that large.  Between calls at most HL_RESULT_KEEP bytes of the arguments'
 * memory are kept, or after an interrupted call all of it, until the sandbox is restored.
 */
struct hl_sandbox_config {
    size_t size HL_SIZED(hl_sandbox_config);
    size_t heap;       /* default HL_HEAP_DEFAULT */
    size_t stack;      /* default HL_STACK_DEFAULT */
    size_t input;      /* for the arguments of one call; default HL_BUFFER_DEFAULT */
    size_t output;     /* for the guest to build results in; default HL_BUFFER_DEFAULT */
    size_t shared;     /* for the files and buffers that hl/share.h maps; default 0 */
    size_t result_max; /* largest message accepted from the guest; default HL_RESULT_DEFAULT */
    size_t image_max;  /* LIMIT if the image's segments need more; default HL_IMAGE_MAX_DEFAULT */
    const char *const *argv;
    const char *const *envp;
    hl_console_fn *console; /* NULL: the guest's output is discarded */
    hl_log_fn *log;         /* NULL: discarded */
    void *opaque;           /* for console and log */
    bool no_debugger;       /* ignore HL_GDB in the environment (hl/debug.h) */
    bool no_profile;        /* ignore HL_PROFILE (hl/profile.h) */
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
 * config may be NULL.  The image may be closed and config freed after the call; opaque is kept.
 * Errors: as hl_machine_create(), ARGUMENT (config's size), LIMIT.
 */
HL_API int hl_sandbox_create(struct hl_sandbox **sandbox, const struct hl_image *image,
                             const struct hl_sandbox_config *config, struct hl_error *error);
/*
 * In any state; NULL is fine.  From inside one of the sandbox's own calls (a host function, an
 * observer, console, log), or once while another thread is in a call, it takes effect when that
 * call returns, with INTERRUPTED.  The sandbox must not be used afterwards.  If a debugger holds
 * the idle guest, destroy waits until it lets go, as a process stopped by a debugger would.
 */
HL_API void hl_sandbox_destroy(struct hl_sandbox *sandbox);

/*
 * Register a host function, before start.  signature: see hl_signature_parse().  A function that
 * the guest does not import is never called, and is not an error.  Errors: STATE (already started),
 * ARGUMENT (bad name or signature, or the name is already registered).
 */
HL_API int hl_sandbox_register(struct hl_sandbox *sandbox, const char *name, const char *signature,
                               hl_host_fn *fn, void *opaque, struct hl_error *error);

/*
 * Match the guest's imports against the host functions and run the guest's set-up code up to its
 * first wait.  A registered function whose signature differs from the guest's import is an error
 * (SIGNATURE).  An import that is not registered is not an error: a call to it returns an error
 * value in the guest.
 */
HL_API int hl_sandbox_start(struct hl_sandbox *sandbox, struct hl_error *error);

/*
 * The n-th import, from 0, for which no function was registered; NULL past the last, and before
 * start.  Valid as long as the sandbox.
 */
HL_API const struct hl_function *hl_sandbox_missing(const struct hl_sandbox *sandbox, size_t n);

/*
 * Call a guest function.  Values are checked against its signature before the guest runs
 * (NO_FUNCTION, SIGNATURE, LIMIT if the arguments exceed the input buffer).  result may be NULL;
 * strings and bytes in it belong to the sandbox, and are valid until its next call, restore or
 * destroy.
 * GUEST_ERROR leaves the sandbox READY; GUEST_ABORT, FAULT, INTERRUPTED and PROTOCOL leave it
 * POISONED; EXITED leaves it DEAD.
 */
HL_API int hl_sandbox_call(struct hl_sandbox *sandbox, const char *name,
                           const struct hl_value *args, size_t count, struct hl_value *result,
                           struct hl_error *error);
/* The same by index in the image's table (hl_image_find()), which saves the look-up. */
HL_API int hl_sandbox_call_index(struct hl_sandbox *sandbox, size_t index,
                                 const struct hl_value *args, size_t count, struct hl_value *result,
                                 struct hl_error *error);

/*
 * Run the guest's main().  On 0, *status is its exit status and the sandbox is DEAD.  Errors:
 * NO_MAIN, or as above.
 */
HL_API int hl_sandbox_main(struct hl_sandbox *sandbox, int *status, struct hl_error *error);

/* On an idle processor, no uninterruptible step of the library takes longer than this. */
#define HL_INTERRUPT_NS 10000000u

/*
 * End the call in progress with HL_ERR_INTERRUPTED: at once before the guest's first instruction
 * and in guest code, within HL_INTERRUPT_NS in a system call or while values are copied, and after
 * a host function returns.  It also ends a call while a debugger holds the guest.  The sandbox is
 * then POISONED, and can be inspected and restored; it stays READY if it serves a debugger and the
 * call had not begun.  Without a call in progress it has no effect.
 */
HL_API void hl_sandbox_interrupt(struct hl_sandbox *sandbox);

/*
 * Limits for each start, call and main from now on; 0 is no limit.  A call that reaches a limit
 * ends as if interrupted, with an error that says which limit it was.  While a debugger holds the
 * guest, the clocks stop (to within 20 ms).  A sandbox without limits pays nothing.  The first time
 * limit in a process starts one thread of libhl, with all signals blocked.
 */
struct hl_limits {
    uint64_t wall_ns; /* elapsed time; in a host function it takes effect on its return */
    uint64_t cpu_ns;  /* CPU time of the thread, without host functions */
    uint64_t exits;   /* maximum number of exits; a call that does nothing makes 1 */
};
/* NULL: no limits.  Between calls.  Errors: BUSY, MEMORY, SYSTEM; then the old limits stay. */
HL_API int hl_sandbox_limit(struct hl_sandbox *sandbox, const struct hl_limits *limits,
                            struct hl_error *error);

/* The limit that ended the last start, call or main, or HL_LIMIT_NONE.  Between calls. */
enum hl_limit { HL_LIMIT_NONE, HL_LIMIT_WALL, HL_LIMIT_CPU, HL_LIMIT_EXITS };
HL_API enum hl_limit hl_sandbox_limit_hit(const struct hl_sandbox *sandbox);

/*
 * The functions from here to hl_sandbox_counts() may be called by the thread that owns the sandbox,
 * in any state, between calls and in its host functions, observers, console and log.  They cannot
 * fail.
 */
HL_API enum hl_sandbox_state hl_sandbox_state(const struct hl_sandbox *sandbox);
/* The sandbox's image; valid as long as the sandbox, even if the program has closed the image. */
HL_API const struct hl_image *hl_sandbox_image(const struct hl_sandbox *sandbox);

/* The fault that poisoned it, or NULL.  Valid until the next call, restore or destroy. */
HL_API const struct hl_fault *hl_sandbox_fault(const struct hl_sandbox *sandbox);
/* The code of the guest's last ERROR or ABORT; 0 before the first. */
HL_API int hl_sandbox_guest_code(const struct hl_sandbox *sandbox);
/* The exit status of a DEAD sandbox, 0 to 255; else 0. */
HL_API int hl_sandbox_exit_status(const struct hl_sandbox *sandbox);

/*
 * The sandbox's machine; valid as long as the sandbox.  Supported are
 *
 * - between calls and in observers: reading registers, memory, mappings and the last exit;
 * - between calls: hl_machine_write(), and hl_machine_map(), protect and unmap, as if the guest had
 *   done it; snapshots and restores include these changes.  hl_snapshot_save() fails (ARGUMENT) if
 *   the program has mapped pages or changed their access.  Do not change the "boot" and "input"
 *   regions, which the next call overwrites.
 *
 * Not supported, because the sandbox does not notice: run, set_regs, the results of exits, kick
 * (use hl_sandbox_interrupt()), alloc, destroy.
 */
HL_API struct hl_machine *hl_sandbox_machine(struct hl_sandbox *sandbox);

/* A region of the address space, for display and for debuggers. */
struct hl_region {
    const char *name; /* "image", "boot", "input", "output", "heap", "stack" */
    hl_gva_t start;
    size_t size; /* of the whole region; the heap may be mapped only in part */
    unsigned prot;
};
#define HL_REGIONS 6
/* Unmapped bytes between two regions other than the image; more than a page, for large frames. */
#define HL_GUARD_SIZE 0x10000u
/* By address, lowest first; NULL for index >= HL_REGIONS.  Valid as long as the sandbox. */
HL_API const struct hl_region *hl_sandbox_region(const struct hl_sandbox *sandbox, size_t index);
/*
 * The regions that a sandbox with this image and config would have; needs no KVM.  Any thread.
 * config may be NULL.  Errors: LIMIT, ARGUMENT (config).
 */
HL_API int hl_sandbox_plan(const struct hl_image *image, const struct hl_sandbox_config *config,
                           struct hl_region regions[HL_REGIONS], struct hl_error *error);

/* Events since create; each is counted before it is served.  syscalls includes unknown_syscalls. */
struct hl_counts {
    uint64_t exits; /* of any kind */
    uint64_t calls, host_calls, logs, syscalls, unknown_syscalls, faults, interrupts;
};
HL_API void hl_sandbox_counts(const struct hl_sandbox *sandbox, struct hl_counts *counts);

#ifdef __cplusplus
}
#endif

#endif
