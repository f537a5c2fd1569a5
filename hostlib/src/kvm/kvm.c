/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cpuid.h"
#include "env.h"
#include "fork.h"
#include "kvm_hint.h"
#include "retry.h"

/* HL_KVM_DEVICE lets tests, and users of doctor, try another device node. */
static const char *device_path(void)
{
    const char *path = env_value(ENV_KVM_DEVICE);
    return path && *path ? path : "/dev/kvm";
}

static int open_failed(const char *path, struct hl_error *error)
{
    int e = errno, code = HL_ERR_NO_KVM;
    if (e == EACCES || e == EPERM)
        code = HL_ERR_KVM_ACCESS;
    else if (e == EMFILE || e == ENFILE || e == ENOMEM)
        code = HL_ERR_SYSTEM;
    hl_error_set(error, code, "%s: %s: %s", hl_err_text(code), path, strerror(e));
    kvm_hint(path, e, error);
    if (error)
        error->sys_errno = e;
    return code;
}

static int open_host(struct kvm_host *host, struct hl_error *error)
{
    const char *path = device_path();
    host->fd = RETRY(open(path, O_RDWR | O_CLOEXEC));
    if (host->fd < 0)
        return open_failed(path, error);
    int version = retry_ioctl(host->fd, KVM_GET_API_VERSION, 0);
    bool known = version == KVM_API_VERSION;
    int size = known ? retry_ioctl(host->fd, KVM_GET_VCPU_MMAP_SIZE, 0) : -1;
    if (size < (int)sizeof(struct kvm_run)) {
        close(host->fd);
        hl_error_set(error, HL_ERR_NO_KVM, "%s: %s is not a KVM device", hl_err_text(HL_ERR_NO_KVM),
                     path);
        kvm_hint(path, 0, error);
        return HL_ERR_NO_KVM;
    }
    host->run_size = (size_t)size;
    int sync = retry_ioctl(host->fd, KVM_CHECK_EXTENSION, KVM_CAP_SYNC_REGS);
    host->sync_regs = sync > 0 && (sync & KVM_SYNC_X86_REGS);
    host->sync_all = sync > 0 && (sync & KVM_SYNC_X86_VALID_FIELDS) == KVM_SYNC_X86_VALID_FIELDS;
    cpuid_fill(host);
    return 0;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, reset_lock = PTHREAD_MUTEX_INITIALIZER;
FORK_WAITS(&lock) /* of the open device */
FORK_FREES(&reset_lock)

int kvm_host_get(const struct kvm_host **host, struct hl_error *error)
{
    static struct kvm_host the_host;
    static bool ready;
    int rc = 0;
    pthread_mutex_lock(&lock);
    if (!ready) {
        rc = open_host(&the_host, error);
        ready = rc == 0;
    }
    pthread_mutex_unlock(&lock);
    *host = rc ? NULL : &the_host;
    return rc;
}

int kvm_host_reset_sregs(int vcpu_fd, struct kvm_sregs *sregs)
{
    static struct kvm_sregs reset;
    static bool known;
    pthread_mutex_lock(&reset_lock);
    int rc = known ? 0 : retry_ioctl(vcpu_fd, KVM_GET_SREGS, &reset);
    known = rc == 0;
    *sregs = reset;
    pthread_mutex_unlock(&reset_lock);
    return rc;
}
