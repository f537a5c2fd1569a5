/* SPDX-License-Identifier: Apache-2.0 */
/* linux.h - interfaces between the parts of the Linux personality. */
#ifndef HL_LINUX_H
#define HL_LINUX_H

#include <signal.h>

#include "linux_state.h"
#include "machine.h"
#include "sandbox.h"

typedef uint64_t args6[6];
/* A system call: arguments as in Linux, the result or a negative errno. */
typedef int64_t syscall_fn(struct hl_sandbox *sb, const args6 a);

#define THE_PID 1
/* Returned instead of a result: the guest must repeat the call when it continues. */
#define LINUX_AGAIN INT64_MIN

static inline struct linux_state *linux_of(const struct hl_sandbox *sb)
{
    return sb->os;
}

/* Access the guest's memory; false if not all of it is mapped. */
static inline bool linux_get(struct hl_sandbox *sb, hl_gva_t gva, void *data, size_t size)
{
    return hl_machine_read(sb->machine, gva, data, size, HL_PROT_READ) == size;
}

static inline bool linux_set(struct hl_sandbox *sb, hl_gva_t gva, const void *data, size_t size)
{
    return machine_write(sb->machine, gva, data, size, HL_PROT_WRITE) == size;
}

/* To be called by what changes os.process or os.used. */
static inline struct linux_process *linux_change(struct hl_sandbox *sb)
{
    struct linux_state *os = sb->os;
    os->changed = true;
    if (os->process != os->own) {
        *os->own = *os->process;
        os->process = os->own;
    }
    return os->own;
}

extern const struct personality linux_personality;

/* What personality.h requires. */
int linux_init(struct hl_sandbox *sb, struct hl_error *error);
void linux_free(struct hl_sandbox *sb);
int linux_deliver(struct hl_sandbox *sb, struct hl_error *error);
void linux_wake(struct hl_sandbox *sb);
size_t linux_saved_size(size_t heap);
void linux_save(struct hl_sandbox *sb, void *saved);
int linux_restore(struct hl_sandbox *sb, const void *saved, bool maps, bool all,
                  struct hl_error *error);
void linux_begin(struct hl_sandbox *sb);
const char *linux_check(const void *saved, const struct hl_region *heap);
static inline bool linux_is_due(const struct hl_sandbox *sb)
{
    return (linux_of(sb)->process->pending & ~linux_of(sb)->process->blocked) ||
           atomic_load_explicit(&linux_of(sb)->timer.rung, memory_order_relaxed);
}

/* linux/signal.c */
syscall_fn linux_rt_sigaction, linux_rt_sigprocmask, linux_rt_sigpending, linux_sigaltstack,
    linux_kill, linux_tkill, linux_tgkill;
/* linux/frame.c */
syscall_fn linux_rt_sigreturn;
/* linux/sleep.c */
syscall_fn linux_nanosleep, linux_clock_nanosleep, linux_pause, linux_rt_sigsuspend, linux_poll,
    linux_ppoll, linux_select, linux_pselect6;
/* linux/timer.c */
syscall_fn linux_alarm, linux_setitimer, linux_getitimer;
/* linux/file.c, linux/io.c, linux/path.c */
syscall_fn linux_read, linux_readv, linux_pread64, linux_write, linux_writev, linux_pwrite64,
    linux_lseek, linux_close, linux_ioctl, linux_dup, linux_dup2, linux_dup3, linux_fcntl,
    linux_getrandom;
syscall_fn linux_open, linux_openat, linux_fstat, linux_stat, linux_newfstatat, linux_access,
    linux_faccessat, linux_readlink, linux_readlinkat;

/* linux/sleep.c: does an interrupt or a debugger want the guest's thread? */
bool linux_is_wanted(const struct hl_sandbox *sb);

/* ---- signals ---- */

enum linux_cause { CAUSE_KILL, CAUSE_TKILL, CAUSE_TIMER, CAUSES };

static inline uint64_t signal_bit(int number)
{
    return 1ull << (number - 1);
}

/* Is the guest on its alternate stack? */
static inline bool linux_on_alt_stack(const struct linux_process *p, uint64_t rsp)
{
    return p->alt_size && rsp > p->alt_stack && rsp - p->alt_stack <= p->alt_size;
}

/* Never blocked, never caught. */
#define UNCATCHABLE (1ull << 8 | 1ull << 18) /* SIGKILL, SIGSTOP */

/* linux/raise.c */
enum { ACTION_DEFAULT, ACTION_IGNORE }; /* SIG_DFL and SIG_IGN, as handlers */
bool linux_ignores(const struct hl_sandbox *sb, int number);
/* Send signal `number` to the guest: delivered before the next entry, unless it is blocked. */
void linux_raise(struct hl_sandbox *sb, int number, enum linux_cause cause);
/* From a debugger: true if the guest continues, in its handler or as if nothing had happened. */
bool linux_strike(struct hl_sandbox *sb, int number);
/* An exception.  *handled: the guest continues in a handler of its own.  Returns 0 or an error. */
int linux_fault(struct hl_sandbox *sb, const struct hl_fault *fault, bool *handled,
                struct hl_error *error);
/* linux/frame.c: continue the guest in its handler.  False: its stack has no room. */
struct linux_info {
    siginfo_t info;
    uint64_t trap, code, address; /* of an exception */
    uint64_t back;                /* the mask to restore */
};
bool linux_frame(struct hl_sandbox *sb, const struct linux_info *info);
/* The last call must be repeated: the guest is before its instruction. */
void linux_rewind_call(struct hl_sandbox *sb, uint64_t number);

/* linux/timer.c: note an expiry; and the end of the timer. */
void linux_timer_look(struct hl_sandbox *sb);
/*
 * SIGALRM is no longer pending.  While it is, an interval timer does not expire again, which would
 * only slow it down.
 */
void linux_timer_again(struct hl_sandbox *sb);
void linux_timer_save(struct hl_sandbox *sb, struct linux_process *to);
/* Expire after `wait` ns; 0: never. */
int linux_timer_restore(struct hl_sandbox *sb, uint64_t wait, struct hl_error *error);
void linux_timer_free(struct hl_sandbox *sb);

/* linux/file.c: are the descriptors of a snapshot file valid? */
bool linux_files_good(const struct linux_process *p);
/* The descriptor, or NULL if it is not open. */
const struct linux_file *linux_file(struct hl_sandbox *sb, uint64_t fd);

enum file_kind {
    FILE_CLOSED,
    FILE_STDIN, /* empty */
    FILE_STDOUT,
    FILE_STDERR,
    FILE_NULL,
    FILE_ZERO,
    FILE_FULL,
    FILE_RANDOM,
    FILE_URANDOM,
    FILE_KINDS
};

static inline bool file_is_console(const struct linux_file *f)
{
    return f->kind <= FILE_STDERR;
}

#endif
