/* SPDX-License-Identifier: Apache-2.0 */
/* child.h - child processes of a test, and shell commands. */
#ifndef TESTS_CHILD_H
#define TESTS_CHILD_H

#include "kit.h"

#include <stdarg.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "retry.h"

/* fork() without a second copy of what stdio holds; a child that hangs dies before its parent. */
static inline pid_t child_fork(void)
{
    fflush(stdout);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        alarm(100 * slow());
    return child;
}

/* Its status as of waitpid(), and what it has used. */
static inline int child_wait_used(pid_t child, struct rusage *used)
{
    int status = -1;
    assert_int_equal(RETRY(wait4(child, &status, 0, used)), child);
    return status;
}

static inline int child_wait(pid_t child)
{
    return child_wait_used(child, NULL);
}

/* It has ended with status 0. */
static inline void child_fine(pid_t child)
{
    int status = child_wait(child);
    if (status)
        fail_msg("child: status 0x%x", (unsigned)status);
}

/* The status that it ends with, by exit() and no other way. */
static inline int child_code(pid_t child)
{
    int status = child_wait(child);
    if (!WIFEXITED(status))
        fail_msg("child: status 0x%x", (unsigned)status);
    return WEXITSTATUS(status);
}

/* A shell command in words as of printf(), in a directory; the first that fails is the last. */
static inline int shell_in(const char *dir, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline int shell_in(const char *dir, const char *format, ...)
{
    char command[8192];
    va_list args;
    int n = snprintf(command, sizeof(command), "set -e; cd '%s'; ", dir);

    va_start(args, format);
    n += vsnprintf(command + n, sizeof(command) - (size_t)n, format, args);
    va_end(args);
    assert_in_range(n, 1, sizeof(command) - 1);
    return system(command);
}
#define shell(...) shell_in(".", __VA_ARGS__)

#endif
