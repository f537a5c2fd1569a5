/* SPDX-License-Identifier: Apache-2.0 */
/* child.c - children made in the middle of it all: copies to destroy, sandboxes of their own. */
#include "storm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit.h"

static void expect_end(struct worker *w, pid_t child)
{
    int status = -1;
    CHECK(w, child > 0, "no child: %m");
    while (waitpid(child, &status, 0) < 0)
        CHECK(w, errno == EINTR, "the child: %m");
    CHECK(w, status == 0, "the child ended with status 0x%x", status);
}

/* Which of its steps failed, 0: none. */
static int child_does(struct worker *w, struct life *l)
{
    const struct hl_value one = hl_i32(1);
    struct hl_value result = {0};
    struct hl_sandbox *sb = NULL;
    if (life_call(w, l, "NoOp", NULL) != HL_ERR_STATE)
        return 1;
    for (unsigned i = 0; i < LIVES; i++)
        if (w->life[i])
            life_close(w->life[i]);
    if (hl_sandbox_create_from(&sb, storm.base, NULL, &w->error))
        return 2;
    if (below(w, 4) == 0 && hl_sandbox_debug(sb, NULL, NULL, &w->error))
        return 3;
    if (hl_sandbox_start(sb, &w->error) ||
        hl_sandbox_call(sb, "AddToStatic", &one, 1, &result, &w->error))
        return 4;
    hl_sandbox_destroy(sb);
    return result.i32 == 1 ? 0 : 5;
}

void op_fork(struct worker *w, struct life *l)
{
    if (UNDER_ASAN || UNDER_TSAN) { /* a child of their programs can only call exec() */
        op_exec(w, l);
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        alarm(storm.patience_s);
        int step = child_does(w, l);
        if (step)
            dprintf(2, "the child's step %d: %s\n", step, w->error.text);
        _exit(step);
    }
    expect_end(w, child);
    life_add(w, l, 1);
}

/* No descriptor of a sandbox's goes along: the new program says how many it has. */
void op_exec(struct worker *w, struct life *l)
{
    char expected[16];
    snprintf(expected, sizeof(expected), "%u", storm.inherited);
    char *const args[] = {(char *)"storm", (char *)"--inherited", expected, NULL};
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", args);
        _exit(126);
    }
    expect_end(w, child);
    life_add(w, l, 1);
}

unsigned inheritable(void)
{
    unsigned n = 0;
    for (int fd = 0; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        n += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return n;
}
