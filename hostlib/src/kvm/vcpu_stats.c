/* SPDX-License-Identifier: Apache-2.0 */
/* kvm/vcpu_stats.c - KVM's own counters (Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD). */
#include "vcpu_kvm.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "retry.h"

#define NAME_MAX_HERE 128u /* KVM's own are 48 */

static bool read_at(int fd, void *data, size_t size, uint64_t offset)
{
    return RETRY(pread(fd, data, size, (off_t)offset)) == (ssize_t)size;
}

/* Only sums of a single number, which only grow: no levels, peaks or histograms. */
static bool is_counter(const struct kvm_stats_desc *d)
{
    return (d->flags & KVM_STATS_TYPE_MASK) == KVM_STATS_TYPE_CUMULATIVE && d->size == 1;
}

static size_t read_stats(int fd, bool vm, struct vcpu_stat *list, size_t max)
{
    struct kvm_stats_header h;
    union {
        struct kvm_stats_desc d;
        char bytes[sizeof(struct kvm_stats_desc) + NAME_MAX_HERE];
    } u = {.bytes = {0}};
    size_t count = 0;
    if (!read_at(fd, &h, sizeof(h), 0) || h.name_size >= NAME_MAX_HERE)
        return 0;
    size_t size = sizeof(u.d) + h.name_size;
    for (uint32_t i = 0; i < h.num_desc && count < max; i++) {
        struct vcpu_stat *s = &list[count];
        if (!read_at(fd, &u, size, h.desc_offset + i * size) || !is_counter(&u.d) ||
            !read_at(fd, &s->value, sizeof(s->value), h.data_offset + u.d.offset))
            continue;
        s->vm = vm;
        snprintf(s->name, sizeof(s->name), "%.*s", (int)sizeof(s->name) - 1, u.bytes + sizeof(u.d));
        count++;
    }
    return count;
}

/* KVM opens it without O_CLOEXEC. */
static int open_stats(int of)
{
    int fd = retry_ioctl(of, KVM_GET_STATS_FD, 0);
    if (fd >= 0)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return fd;
}

/*
 * A vCPU's ioctls wait until it has left KVM_RUN, which may take forever; its statistics can be
 * read at any time.  So they are opened at the first call, when it does not run.
 */
static void open_once(struct hl_vcpu *v)
{
    if (v->stats_opened)
        return;
    v->stats_opened = true;
    v->stats_fd[0] = open_stats(v->fd);
    v->stats_fd[1] = open_stats(v->vm_fd);
}

size_t vcpu_kvm_stats(struct hl_vcpu *v, struct vcpu_stat *list, size_t max)
{
    size_t count = 0;
    open_once(v);
    for (int vm = 0; vm < 2; vm++)
        if (v->stats_fd[vm] >= 0) /* not before Linux 5.14 */
            count += read_stats(v->stats_fd[vm], vm, list + count, max - count);
    return count;
}

void vcpu_kvm_stats_close(struct hl_vcpu *v)
{
    for (int vm = 0; v->stats_opened && vm < 2; vm++)
        if (v->stats_fd[vm] >= 0)
            close(v->stats_fd[vm]);
    v->stats_opened = false;
}
