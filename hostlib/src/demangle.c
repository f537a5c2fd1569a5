/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mangled names through libiberty, whose input is a hostile file's.
 *
 * - It recurses as deep as the name is long, some 400 bytes a character: that does not fit every
 *   caller's stack, so it runs on one that is large enough for MANGLED_MAX characters.
 * - Its own limit of recursion stays on (no DMGL_NO_RECURSE_LIMIT).
 * - A name of a hundred bytes can unfold to gigabytes, or to nothing at all in a million years: a
 *   pack expansion is looked for in every copy of a type.  There is no way to ask it to stop.  So
 *   it runs as a process that shares our memory, as that of vfork() does.  That one leaves when the
 *   room is full, and the kernel ends it when it has used up its time.  The functions used here
 *   allocate nothing but on the stack, so nothing is lost that way; those that return a string do,
 *   and end the program when there is no memory.
 */
#include "demangle.h"

#include <errno.h>
#include <libiberty/demangle.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MANGLED_MAX 1024
#define STACK_BYTES ((size_t)2 << 20)
#define GUARD_BYTES ((size_t)4096)
#define SECONDS_MAX 1 /* of the processor */

struct job {
    const char *mangled;
    struct demangled *out;
    bool done;
};

struct sink {
    char *text;
    size_t size;
};

static void put(const char *text, size_t size, void *opaque)
{
    struct sink *sink = opaque;

    if (size >= DEMANGLE_MAX - sink->size)
        _exit(0);
    if (size)
        memcpy(sink->text + sink->size, text, size);
    sink->size += size;
    sink->text[sink->size] = '\0';
}

/* Rust's older mangling looks like C++'s with a hash at the end: it is asked first. */
static bool read_name(const char *mangled, int options, char *out)
{
    struct sink sink = {.text = out};

    if (rust_demangle_callback(mangled, options, put, &sink))
        return sink.size != 0;
    sink.size = 0;
    return cplus_demangle_v3_callback(mangled, options, put, &sink) && sink.size != 0;
}

static int work(void *opaque)
{
    const struct rlimit time = {SECONDS_MAX, SECONDS_MAX};
    struct job *job = opaque;

    if (setrlimit(RLIMIT_CPU, &time))
        return 0;
    job->done = read_name(job->mangled, DMGL_ANSI | DMGL_PARAMS, job->out->full) &&
                read_name(job->mangled, DMGL_ANSI, job->out->bare);
    return 0;
}

bool demangle_applies(const char *mangled)
{
    return mangled[0] == '_' && (mangled[1] == 'Z' || mangled[1] == 'R') &&
           strnlen(mangled, MANGLED_MAX + 1) <= MANGLED_MAX;
}

/* No signal at its end, so that no wait of the program's own finds it: it takes __WALL. */
static int run(struct job *job, uint8_t *stack)
{
    int status = 0;
    pid_t pid = clone(work, stack + GUARD_BYTES + STACK_BYTES,
                      CLONE_VM | CLONE_VFORK | CLONE_FS | CLONE_FILES, job);

    while (pid > 0 && waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        ;
    return status;
}

bool demangle(const char *mangled, struct demangled *out)
{
    struct job job = {.mangled = mangled, .out = out};
    sigset_t every, before;
    uint8_t *stack;

    out->slow = false;
    if (!demangle_applies(mangled))
        return false;
    stack = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_READ | PROT_WRITE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        return false;
    /* The program's signals are for its own threads. */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    if (mprotect(stack, GUARD_BYTES, PROT_NONE) == 0)
        out->slow = WIFSIGNALED(run(&job, stack));
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    munmap(stack, GUARD_BYTES + STACK_BYTES);
    return job.done && !out->slow;
}
