/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.c - every allocation, mapping, KVM ioctl and file operation of libhl made to fail in turn.
 *
 * A scenario runs again and again, each time in a process of its own (what libhl opens once
 * per process is new every time), with the n-th call failing, until n is past the last.  Each time
 * it either works or returns an error with its text; so it does in a second run that passes no
 * struct hl_error.  After all is destroyed, a third run without failures works, and no more blocks,
 * mappings, descriptors and threads are left than after three runs without any.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "../kit/left.h"
#include "scenario.h"
#include "wrap.h"

struct result {
    unsigned calls; /* of the first run */
    bool works;     /* no error in it */
    struct wrap_left left;
    unsigned files, threads;
    char failed[64], why[200];
};

/* In the child. */
static void three_runs(const struct scenario *s, unsigned n, struct result *r)
{
    struct play p = {0};
    wrap_begin(n);
    int rc = s->play(&p);
    r->calls = wrap_end();
    r->works = rc == 0;
    if (p.text)
        check_profile(&p);
    snprintf(r->failed, sizeof(r->failed), "%s", wrap_failed());
    if (p.wrong)
        snprintf(r->why, sizeof(r->why), "%.150s", p.wrong);
    clean(&p);
    p = (struct play){.silent = true};
    wrap_begin(n);
    s->play(&p);
    wrap_end();
    if (p.wrong)
        snprintf(r->why, sizeof(r->why), "without an error: %.150s", p.wrong);
    clean(&p);
    p = (struct play){0};
    rc = s->play(&p);
    if (rc || p.wrong)
        snprintf(r->why, sizeof(r->why), "a run after that: %.150s",
                 p.wrong ? p.wrong : p.error.text);
    clean(&p);
    r->left = wrap_left();
    r->files = entries("/proc/self/fd");
    r->threads = entries("/proc/self/task");
}

/* False where the child came to a bad end. */
static bool in_child(const struct scenario *s, unsigned n, unsigned slow, struct result *r)
{
    int pipes[2], status = 0;
    if (pipe(pipes))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        struct result mine = {0};
        close(pipes[0]);
        alarm(20 * slow);
        three_runs(s, n, &mine);
        _exit(write(pipes[1], &mine, sizeof(mine)) == sizeof(mine) ? 0 : 1);
    }
    close(pipes[1]);
    memset(r, 0, sizeof(*r));
    bool whole = pid > 0 && read(pipes[0], r, sizeof(*r)) == sizeof(*r);
    close(pipes[0]);
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (!whole)
        snprintf(r->why, sizeof(r->why), "ended by signal %d, status %d", WTERMSIG(status),
                 WEXITSTATUS(status));
    return whole;
}

static void compare(const struct result *clean_run, struct result *r)
{
    if (r->why[0])
        return;
    if (r->left.blocks != clean_run->left.blocks)
        snprintf(r->why, sizeof(r->why), "%d blocks leaked",
                 (int)(r->left.blocks - clean_run->left.blocks));
    else if (r->left.mapped != clean_run->left.mapped)
        snprintf(r->why, sizeof(r->why), "%lld bytes stay mapped",
                 (long long)(r->left.mapped - clean_run->left.mapped));
    else if (r->files != clean_run->files)
        snprintf(r->why, sizeof(r->why), "%d descriptors leaked",
                 (int)(r->files - clean_run->files));
    else if (r->threads != clean_run->threads)
        snprintf(r->why, sizeof(r->why), "%d threads leaked",
                 (int)(r->threads - clean_run->threads));
}

static int run(const struct scenario *s, unsigned slow)
{
    struct result none, r;
    unsigned errors = 0, tried = 0, bad = 0;
    const unsigned step = getenv("HL_NESTED") ? 7 : 1;
    if (!in_child(s, 0, slow, &none) || !none.works || none.why[0]) {
        printf("not ok fault: %s: without a failure: %s\n", s->name, none.why);
        return 1;
    }
    for (unsigned n = 1; n <= none.calls; n += step) {
        bool whole = in_child(s, n, slow, &r);
        if (whole)
            compare(&none, &r);
        tried++;
        errors += !r.works;
        if (r.why[0] && ++bad <= 10)
            printf("# %s: call %u (%s): %s\n", s->name, n, r.failed, r.why);
    }
    if (bad)
        printf("not ok fault: %s: %u of %u failures are not stood\n", s->name, bad, tried);
    else
        printf("ok fault: %s: %u calls, %u errors\n", s->name, tried, errors);
    return bad != 0;
}

int main(int argc, char **argv)
{
    const char *text = getenv("HL_TEST_SLOW"), *tmp = getenv("TMPDIR");
    unsigned slow = text && atoi(text) > 1 ? (unsigned)atoi(text) : 1;
    int failed = 0;
    if (argc < 2) {
        fprintf(stderr, "usage: %s GUEST [SCENARIO [N]]\n", argv[0]);
        return 64;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    unsetenv("HL_GDB");
    json_set_alloc_funcs(malloc, free); /* through the wrappers */
    guest = argv[1];
    snprintf(file, sizeof(file), "%s/hl-fault-%d", tmp ? tmp : "/tmp", getpid());
    if (argc == 4) { /* one failure, in this process, for a debugger */
        struct result r = {0};
        three_runs(&scenarios[atoi(argv[2])], (unsigned)atoi(argv[3]), &r);
        printf("%s: %s; %u blocks, %llu bytes, %u files, %u threads left\n", r.failed, r.why,
               r.left.blocks, (unsigned long long)r.left.mapped, r.files, r.threads);
        return 0;
    }
    for (size_t i = 0; scenarios[i].name; i++)
        if (argc == 2 || (size_t)atoi(argv[2]) == i)
            failed |= run(&scenarios[i], slow);
    return failed;
}
