/* SPDX-License-Identifier: Apache-2.0 */
#include "retry.h"

#include <pthread.h>
#include <sys/ioctl.h>
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
    /* A stop, a tracer or work for the kernel can still interrupt it, but not again and again. */
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
