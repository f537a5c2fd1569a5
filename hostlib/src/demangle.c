/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mangled names through libiberty, whose input is a hostile file's.
 *
 * - It recurses as deep as the name is long, some 400 bytes a character: that does not fit every
 *   caller's stack, so it runs on one that is large enough for MANGLED_MAX characters.
 * - Its own limit of recursion stays on (no DMGL_NO_RECURSE_LIMIT).
 * - A name of a hundred bytes can unfold to gigabytes, and there is no way to ask it to stop: its
 *   output function leaves by longjmp() when the room is full.  The functions used here allocate
 *   nothing but on the stack, so nothing is lost that way; those that return a string do, and end
 *   the program when there is no memory.
 */
#include "demangle.h"

#include <libiberty/demangle.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#define MANGLED_MAX 1024
#define STACK_BYTES ((size_t)2 << 20)

struct job {
    const char *mangled;
    struct demangled *out;
    bool done;
};

struct sink {
    jmp_buf full;
    char *text;
    size_t size;
};

static void put(const char *text, size_t size, void *opaque)
{
    struct sink *sink = opaque;

    if (size >= DEMANGLE_MAX - sink->size)
        longjmp(sink->full, 1);
    if (size)
        memcpy(sink->text + sink->size, text, size);
    sink->size += size;
    sink->text[sink->size] = '\0';
}

/* Rust's older mangling looks like C++'s with a hash at the end: it is asked first. */
static bool read_name(const char *mangled, int options, char *out)
{
    struct sink sink = {.text = out};

    if (setjmp(sink.full))
        return false;
    if (rust_demangle_callback(mangled, options, put, &sink))
        return sink.size != 0;
    sink.size = 0;
    return cplus_demangle_v3_callback(mangled, options, put, &sink) && sink.size != 0;
}

static void *work(void *opaque)
{
    struct job *job = opaque;

    job->done = read_name(job->mangled, DMGL_ANSI | DMGL_PARAMS, job->out->full) &&
                read_name(job->mangled, DMGL_ANSI, job->out->bare);
    return NULL;
}

bool demangle_applies(const char *mangled)
{
    return mangled[0] == '_' && (mangled[1] == 'Z' || mangled[1] == 'R') &&
           strnlen(mangled, MANGLED_MAX + 1) <= MANGLED_MAX;
}

bool demangle(const char *mangled, struct demangled *out)
{
    struct job job = {.mangled = mangled, .out = out};
    pthread_attr_t attr;
    sigset_t every, before;
    pthread_t thread;
    bool started;

    if (!demangle_applies(mangled) || pthread_attr_init(&attr))
        return false;
    /* The program's signals are for its own threads. */
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &before);
    started = pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
              pthread_create(&thread, &attr, work, &job) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (started)
        pthread_join(thread, NULL);
    return started && job.done;
}
