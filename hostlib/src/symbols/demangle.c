/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mangled names through libiberty, whose input is a hostile file's.
 *
 * - It recurses as deep as the name is long, some 400 bytes a character: that does not fit every
 *   caller's stack, so it runs on one that is large enough for MANGLED_MAX characters.
 * - Its own limit of recursion stays on (no DMGL_NO_RECURSE_LIMIT).
 * - A name of a hundred bytes can unfold to gigabytes, or to nothing at all in a million years: a
 *   pack expansion is looked for in every copy of a type.  There is no way to ask it to stop.  So
 *   it runs in a process that shares our memory, as that of vfork() does.  A name is left when its
 *   room is full, and the kernel ends the process when it has used up its time.  The functions used
 *   here allocate nothing but on the stack, so nothing is lost that way; those that return a string
 *   do, and end the program when there is no memory.
 */
#include "demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANGLED_MAX 1024
#define STACK_BYTES ((size_t)2 << 20)
#define GUARD_BYTES ((size_t)4096)

struct job {
    void (*work)(void *opaque);
    void *opaque;
    int64_t us;
};

struct sink {
    char *text;
    size_t size;
    jmp_buf full;
};

static void put_piece(const char *text, size_t size, void *opaque)
{
    struct sink *sink = opaque;

    if (size >= DEMANGLE_MAX - sink->size)
        longjmp(sink->full, 1);
    if (size)
        memcpy(sink->text + sink->size, text, size);
    sink->size += size;
    sink->text[sink->size] = '\0';
}

/* Rust's older mangling looks like C++ with a hash at the end, so it is tried first. */
static bool read_name(const char *mangled, int options, char *out)
{
    struct sink sink = {.text = out};

    if (setjmp(sink.full))
        return false;
    if (rust_demangle_callback(mangled, options, put_piece, &sink))
        return sink.size != 0;
    sink.size = 0;
    return cplus_demangle_v3_callback(mangled, options, put_piece, &sink) && sink.size != 0;
}

bool demangle_applies(const char *mangled)
{
    return mangled[0] == '_' && (mangled[1] == 'Z' || mangled[1] == 'R') &&
           strnlen(mangled, MANGLED_MAX + 1) <= MANGLED_MAX;
}

bool demangle_here(const char *mangled, struct demangled *out)
{
    return demangle_applies(mangled) && read_name(mangled, DMGL_ANSI | DMGL_PARAMS, out->full) &&
           read_name(mangled, DMGL_ANSI, out->bare);
}

/* ---- the process ---------------------------------------------------------------------------- */

/* A timer of its own ends the process, with a signal that has its default action there. */
static int work(void *opaque)
{
    struct job *job = opaque;
    const struct itimerval timer = {.it_value = {job->us / 1000000, job->us % 1000000}};
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPROF);
    if (sigaction(SIGPROF, &action, NULL) || setitimer(ITIMER_PROF, &timer, NULL) ||
        sigprocmask(SIG_UNBLOCK, &set, NULL))
        return 0;
    job->work(job->opaque);
    return 0;
}

/*
 * It sends no signal at its end, so that the program's own waits do not see it; this one uses
 * __WALL.
 */
static void run_job(struct demangle_time *time, struct job *job, uint8_t *stack)
{
    struct rusage used = {.ru_utime = {0, 0}};
    int status = 0;
    pid_t pid = clone(work, stack + GUARD_BYTES + STACK_BYTES,
                      CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES, job);

    while (pid > 0 && wait4(pid, &status, __WALL, &used) < 0 && errno == EINTR)
        ;
    time->us += (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000;
    time->us += used.ru_utime.tv_usec + used.ru_stime.tv_usec;
    /* Expect more names like it. */
    if (WIFSIGNALED(status))
        time->us = DEMANGLE_US;
}

void demangle_within(struct demangle_time *time, void (*what)(void *opaque), void *opaque)
{
    struct job job = {what, opaque, DEMANGLE_US - time->us};
    sigset_t every, before;
    uint8_t *stack;

    if (time->us >= DEMANGLE_US)
        return;
    stack = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return;
    /* Signals are for the program's own threads. */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    if (mprotect(stack, GUARD_BYTES, PROT_NONE) == 0)
        run_job(time, &job, stack);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, GUARD_BYTES + STACK_BYTES);
}

struct one {
    const char *mangled;
    struct demangled *out;
    bool done;
};

static void read_one(void *opaque)
{
    struct one *one = opaque;

    one->done = demangle_here(one->mangled, one->out);
}

bool demangle(struct demangle_time *time, const char *mangled, struct demangled *out)
{
    struct one one = {mangled, out, false};

    if (!demangle_applies(mangled))
        return false;
    demangle_within(time, read_one, &one);
    return one.done;
}
