/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linux/poll.c - poll and select.  The files that a guest can open never block, so a descriptor is
 * ready at once for everything it can do; without descriptors, the calls are a way to sleep.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>
#include <sys/syscall.h>

#include "linux_sleep.h"

#define POLLS_MAX 1024
#define SELECT_MAX 1024
#define WORD 64
#define NS 1000000000ll

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

static short ready(struct hl_sandbox *sb, int fd, short events)
{
    const struct linux_file *f = linux_file(sb, (uint32_t)fd);
    if (!f)
        return POLLNVAL;
    if (f->kind == FILE_STDIN)
        return (short)((events & READABLE) | POLLHUP);
    if (f->kind == FILE_STDOUT || f->kind == FILE_STDERR)
        return (short)(events & WRITABLE);
    return (short)(events & (READABLE | WRITABLE));
}

/* The number of descriptors that are ready, or -EFAULT or -EINVAL. */
static int64_t look(struct hl_sandbox *sb, hl_gva_t at, uint64_t count)
{
    int64_t found = 0;
    if (count > POLLS_MAX)
        return -EINVAL;
    for (uint64_t i = 0; i < count; i++) {
        hl_gva_t here = at + i * sizeof(struct pollfd);
        struct pollfd p;
        if (!linux_get(sb, here, &p, sizeof(p)))
            return -EFAULT;
        p.revents = p.fd < 0 ? 0 : ready(sb, p.fd, p.events);
        found += p.revents != 0;
        if (!linux_set(sb, here, &p, sizeof(p)))
            return -EFAULT;
    }
    return found;
}

int64_t linux_poll(struct hl_sandbox *sb, const args6 a)
{
    int ms = (int)a[2];
    const struct timespec span = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};
    int64_t found = look(sb, a[0], a[1]);
    return found ? found : linux_sleep(sb, SYS_poll, ms < 0 ? NULL : &span);
}

/* A temporary mask would matter only if a descriptor could be waited for. */
static int64_t take_mask(struct hl_sandbox *sb, hl_gva_t at, uint64_t size, uint64_t *before)
{
    uint64_t mask;
    *before = linux_of(sb)->process->blocked;
    if (!at)
        return 0;
    if (size != sizeof(mask))
        return -EINVAL;
    if (!linux_get(sb, at, &mask, sizeof(mask)))
        return -EFAULT;
    linux_change(sb)->blocked = mask & ~UNCATCHABLE;
    return 0;
}

static int64_t give_mask(struct hl_sandbox *sb, uint64_t before, int64_t rc)
{
    if (linux_of(sb)->process->blocked == before)
        return rc;
    if (rc == -EINTR) {
        linux_of(sb)->nap.back = before;
        linux_of(sb)->nap.suspended = true;
    } else {
        linux_change(sb)->blocked = before;
    }
    return rc;
}

static int64_t get_span(struct hl_sandbox *sb, hl_gva_t at, struct timespec *span)
{
    if (at && !linux_get(sb, at, span, sizeof(*span)))
        return -EFAULT;
    bool good = !at || (span->tv_sec >= 0 && span->tv_nsec >= 0 && span->tv_nsec < NS);
    return good ? 0 : -EINVAL;
}

/* Linux writes the remaining time to the caller's span. */
static int64_t put_rest(struct hl_sandbox *sb, hl_gva_t at, int64_t rc, bool micro)
{
    struct timespec left = {0};
    if (!at || rc == LINUX_AGAIN || (rc == -EINTR && linux_sleep_left(sb, &left)))
        return rc;
    if (rc == 0 || rc == -EINTR) {
        left.tv_nsec /= micro ? 1000 : 1;
        linux_set(sb, at, &left, sizeof(left));
    }
    return rc;
}

int64_t linux_ppoll(struct hl_sandbox *sb, const args6 a)
{
    struct timespec span;
    uint64_t before;
    int64_t rc = get_span(sb, a[2], &span);
    int64_t found = rc ? rc : look(sb, a[0], a[1]);
    if (found)
        return found;
    rc = take_mask(sb, a[3], a[4], &before);
    if (rc)
        return rc;
    rc = give_mask(sb, before, linux_sleep(sb, SYS_ppoll, a[2] ? &span : NULL));
    return put_rest(sb, a[2], rc, false);
}

/* ---- select ---- */

struct sets {
    uint64_t word[3][SELECT_MAX / WORD]; /* to read, to write, exceptional */
    size_t words;
};

static int64_t get_sets(struct hl_sandbox *sb, struct sets *s, const args6 a)
{
    int count = (int)a[0];
    memset(s, 0, sizeof(*s));
    if (count < 0)
        return -EINVAL;
    if (count > SELECT_MAX)
        count = SELECT_MAX;
    s->words = ((size_t)count + WORD - 1) / WORD;
    for (int i = 0; i < 3; i++) {
        if (a[i + 1] && !linux_get(sb, a[i + 1], s->word[i], s->words * 8))
            return -EFAULT;
        for (size_t n = (size_t)count; n < s->words * WORD; n++)
            s->word[i][n / WORD] &= ~(1ull << n % WORD);
    }
    return 0;
}

/* Keep the bits that are ready; returns their number, or -EBADF. */
static int64_t choose(struct hl_sandbox *sb, struct sets *s)
{
    static const short events[3] = {READABLE, WRITABLE, 0};
    int64_t found = 0;
    for (int i = 0; i < 3; i++)
        for (size_t n = 0; n < s->words * WORD; n++) {
            uint64_t bit = 1ull << n % WORD;
            if (!(s->word[i][n / WORD] & bit))
                continue;
            short is = ready(sb, (int)n, events[i]);
            if (is & POLLNVAL)
                return -EBADF;
            if (is & events[i])
                found++;
            else
                s->word[i][n / WORD] &= ~bit;
        }
    return found;
}

static int64_t put_sets(struct hl_sandbox *sb, const struct sets *s, const args6 a)
{
    for (int i = 0; i < 3; i++)
        if (a[i + 1] && !linux_set(sb, a[i + 1], s->word[i], s->words * 8))
            return -EFAULT;
    return 0;
}

/* Called when it is known what is ready; span NULL: no timeout. */
static int64_t selected(struct hl_sandbox *sb, uint64_t number, const args6 a,
                        const struct timespec *span)
{
    struct sets s;
    int64_t rc = get_sets(sb, &s, a);
    int64_t found = rc ? rc : choose(sb, &s);
    if (!found)
        found = linux_sleep(sb, number, span);
    if (found < 0)
        return found;
    rc = put_sets(sb, &s, a);
    return rc ? rc : found;
}

int64_t linux_select(struct hl_sandbox *sb, const args6 a)
{
    struct timespec span;
    if (a[4] && !linux_get(sb, a[4], &span, sizeof(span)))
        return -EFAULT;
    if (a[4] && (span.tv_sec < 0 || span.tv_nsec < 0 || span.tv_nsec >= NS / 1000))
        return -EINVAL;
    span.tv_nsec = a[4] ? span.tv_nsec * 1000 : 0; /* a struct timeval */
    return put_rest(sb, a[4], selected(sb, SYS_select, a, a[4] ? &span : NULL), true);
}

int64_t linux_pselect6(struct hl_sandbox *sb, const args6 a)
{
    struct timespec span;
    uint64_t mask[2] = {0, 0}, before; /* its address and its size */
    int64_t rc = get_span(sb, a[4], &span);
    if (!rc && a[5] && !linux_get(sb, a[5], mask, sizeof(mask)))
        rc = -EFAULT;
    if (!rc)
        rc = take_mask(sb, mask[0], mask[1], &before);
    if (rc)
        return rc;
    rc = give_mask(sb, before, selected(sb, SYS_pselect6, a, a[4] ? &span : NULL));
    return put_rest(sb, a[4], rc, false);
}
