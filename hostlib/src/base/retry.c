/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include <pthread.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

void signals_block(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, before);
}

void signals_restore(const sigset_t *before)
{
    int e = errno;
    pthread_sigmask(SIG_SETMASK, before, NULL);
    errno = e;
}

int retry_ioctl_at(int fd, unsigned long request, uintptr_t argument)
{
    int rc = ioctl(fd, request, argument);
    if (rc >= 0 || errno != EINTR)
        return rc;
    sigset_t before;
    signals_block(&before);
    /* A stop, a tracer or kernel work can still interrupt it, but not over and over. */
    rc = RETRY(ioctl(fd, request, argument));
    signals_restore(&before);
    return rc;
}

int retry_close(int fd)
{
    sigset_t before;
    signals_block(&before);
    int rc = close(fd);
    signals_restore(&before);
    return rc;
}

static sigset_t too_long(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    return set;
}

void file_limit_begin(struct file_limit *limit)
{
    const sigset_t set = too_long();
    sigset_t pending;
    pthread_sigmask(SIG_BLOCK, &set, &limit->before);
    limit->waits = sigpending(&pending) == 0 && sigismember(&pending, SIGXFSZ);
}

/* The kernel sends SIGXFSZ to the thread that writes. */
void file_limit_end(const struct file_limit *limit)
{
    const struct timespec now = {0};
    const sigset_t set = too_long();
    int e = errno;
    if (!limit->waits)
        sigtimedwait(&set, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &limit->before, NULL);
    errno = e;
}
