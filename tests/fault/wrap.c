/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned seen, at;
static bool counting;
static char failed[64];

/* Addresses of live blocks: only what went through here counts when it is freed. */
#define SLOTS (1u << 16)
static uintptr_t blocks[SLOTS];
static unsigned block_count;
static uint64_t mapped;

void wrap_begin(unsigned n)
{
    pthread_mutex_lock(&lock);
    seen = 0;
    at = n;
    counting = true;
    snprintf(failed, sizeof(failed), "nothing");
    pthread_mutex_unlock(&lock);
}

unsigned wrap_end(void)
{
    pthread_mutex_lock(&lock);
    counting = false;
    unsigned n = seen;
    pthread_mutex_unlock(&lock);
    return n;
}

const char *wrap_failed(void)
{
    return failed;
}

struct wrap_left wrap_left(void)
{
    pthread_mutex_lock(&lock);
    struct wrap_left l = {block_count, mapped};
    pthread_mutex_unlock(&lock);
    return l;
}

/* Is it this call's turn?  Then errno is set. */
static bool fails(const char *name, unsigned long detail, int error)
{
    pthread_mutex_lock(&lock);
    bool now = counting && ++seen == at;
    if (now && detail)
        snprintf(failed, sizeof(failed), "%s 0x%lx", name, detail);
    else if (now)
        snprintf(failed, sizeof(failed), "%s", name);
    pthread_mutex_unlock(&lock);
    if (now)
        errno = error;
    return now;
}

static uintptr_t *slot_of(uintptr_t address)
{
    size_t i = (size_t)(address >> 4) * 0x9e3779b1u % SLOTS;
    uintptr_t *grave = NULL;
    for (; blocks[i]; i = (i + 1) % SLOTS) {
        if (blocks[i] == address)
            return &blocks[i];
        if (blocks[i] == 1 && !grave)
            grave = &blocks[i];
    }
    return grave ? grave : &blocks[i];
}

static void *got(void *p)
{
    if (!p)
        return NULL;
    pthread_mutex_lock(&lock);
    *slot_of((uintptr_t)p) = (uintptr_t)p;
    block_count++;
    pthread_mutex_unlock(&lock);
    return p;
}

static void gave(void *p)
{
    pthread_mutex_lock(&lock);
    uintptr_t *slot = slot_of((uintptr_t)p);
    if (p && *slot == (uintptr_t)p) {
        *slot = 1;
        block_count--;
    }
    pthread_mutex_unlock(&lock);
}

#define WRAP(result, name, ...)                                                                    \
    result __real_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__);                                                             \
    result __wrap_##name(__VA_ARGS__)

WRAP(void *, malloc, size_t size)
{
    return fails("malloc", size, ENOMEM) ? NULL : got(__real_malloc(size));
}

WRAP(void *, calloc, size_t count, size_t size)
{
    return fails("calloc", size, ENOMEM) ? NULL : got(__real_calloc(count, size));
}

WRAP(void *, realloc, void *old, size_t size)
{
    if (fails("realloc", size, ENOMEM))
        return NULL;
    gave(old);
    void *p = __real_realloc(old, size);
    return got(p ? p : old);
}

WRAP(char *, strdup, const char *text)
{
    return fails("strdup", 0, ENOMEM) ? NULL : got(__real_strdup(text));
}

WRAP(void, free, void *p)
{
    gave(p);
    __real_free(p);
}

WRAP(void *, mmap, void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
    if (fails("mmap", size, ENOMEM))
        return MAP_FAILED;
    void *p = __real_mmap(address, size, prot, flags, fd, offset);
    if (p != MAP_FAILED && !(flags & MAP_FIXED)) {
        pthread_mutex_lock(&lock);
        mapped += size;
        pthread_mutex_unlock(&lock);
    }
    return p;
}

WRAP(int, munmap, void *address, size_t size)
{
    pthread_mutex_lock(&lock);
    mapped -= size;
    pthread_mutex_unlock(&lock);
    return __real_munmap(address, size);
}

int __real_ioctl(int fd, unsigned long request, void *argument);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fails("ioctl", request, EIO) ? -1 : __real_ioctl(fd, request, argument);
}

int __real_open(const char *path, int flags, mode_t mode);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    return fails("open", 0, EMFILE) ? -1 : __real_open(path, flags, mode);
}

WRAP(int, eventfd, unsigned initial, int flags)
{
    return fails("eventfd", 0, EMFILE) ? -1 : __real_eventfd(initial, flags);
}

WRAP(int, memfd_create, const char *name, unsigned flags)
{
    return fails("memfd_create", 0, EMFILE) ? -1 : __real_memfd_create(name, flags);
}

WRAP(int, socket, int domain, int type, int protocol)
{
    return fails("socket", 0, EMFILE) ? -1 : __real_socket(domain, type, protocol);
}

WRAP(int, pthread_create, pthread_t *thread, const pthread_attr_t *attr, void *(*start)(void *),
     void *opaque)
{
    return fails("pthread_create", 0, EAGAIN) ? EAGAIN
                                              : __real_pthread_create(thread, attr, start, opaque);
}

WRAP(int, ftruncate, int fd, off_t size)
{
    return fails("ftruncate", 0, ENOSPC) ? -1 : __real_ftruncate(fd, size);
}

WRAP(ssize_t, write, int fd, const void *data, size_t size)
{
    return fails("write", 0, ENOSPC) ? -1 : __real_write(fd, data, size);
}

WRAP(ssize_t, pwrite, int fd, const void *data, size_t size, off_t offset)
{
    return fails("pwrite", 0, ENOSPC) ? -1 : __real_pwrite(fd, data, size, offset);
}

WRAP(ssize_t, pread, int fd, void *data, size_t size, off_t offset)
{
    return fails("pread", 0, EIO) ? -1 : __real_pread(fd, data, size, offset);
}

WRAP(int, mprotect, void *address, size_t size, int prot)
{
    return fails("mprotect", 0, ENOMEM) ? -1 : __real_mprotect(address, size, prot);
}

WRAP(int, rename, const char *from, const char *to)
{
    return fails("rename", 0, EACCES) ? -1 : __real_rename(from, to);
}

WRAP(int, fstat, int fd, struct stat *st)
{
    return fails("fstat", 0, EIO) ? -1 : __real_fstat(fd, st);
}

WRAP(ssize_t, read, int fd, void *data, size_t size)
{
    return fails("read", 0, EIO) ? -1 : __real_read(fd, data, size);
}

WRAP(int, mkstemp, char *name)
{
    return fails("mkstemp", 0, EACCES) ? -1 : __real_mkstemp(name);
}

WRAP(int, fsync, int fd)
{
    return fails("fsync", 0, EIO) ? -1 : __real_fsync(fd);
}

WRAP(int, fchmod, int fd, mode_t mode)
{
    return fails("fchmod", 0, EPERM) ? -1 : __real_fchmod(fd, mode);
}

WRAP(int, madvise, void *address, size_t size, int advice)
{
    return fails("madvise", (unsigned)advice, ENOMEM) ? -1 : __real_madvise(address, size, advice);
}

WRAP(int, timer_create, clockid_t clock, struct sigevent *event, timer_t *timer)
{
    return fails("timer_create", 0, EAGAIN) ? -1 : __real_timer_create(clock, event, timer);
}

WRAP(int, timer_settime, timer_t timer, int flags, const struct itimerspec *when,
     struct itimerspec *before)
{
    return fails("timer_settime", 0, EINVAL) ? -1
                                             : __real_timer_settime(timer, flags, when, before);
}

WRAP(int, sigaction, int number, const struct sigaction *action, struct sigaction *before)
{
    return fails("sigaction", 0, EINVAL) ? -1 : __real_sigaction(number, action, before);
}

WRAP(int, bind, int fd, const struct sockaddr *address, socklen_t size)
{
    return fails("bind", 0, EADDRINUSE) ? -1 : __real_bind(fd, address, size);
}

WRAP(int, listen, int fd, int backlog)
{
    return fails("listen", 0, EADDRINUSE) ? -1 : __real_listen(fd, backlog);
}

WRAP(ssize_t, getrandom, void *data, size_t size, unsigned flags)
{
    return fails("getrandom", 0, ENOSYS) ? -1 : __real_getrandom(data, size, flags);
}

int __real_fcntl(int fd, int command, void *argument);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_fcntl(int fd, int command, ...)
{
    va_list args;
    va_start(args, command);
    void *argument = va_arg(args, void *);
    va_end(args);
    return fails("fcntl", (unsigned)command, EINVAL) ? -1 : __real_fcntl(fd, command, argument);
}

int __real_openat(int dir, const char *path, int flags, mode_t mode);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = va_arg(args, mode_t);
    va_end(args);
    return fails("openat", 0, EMFILE) ? -1 : __real_openat(dir, path, flags, mode);
}

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = fails("asprintf", 0, ENOMEM) ? -1 : vasprintf(text, format, args);
    va_end(args);
    if (size >= 0)
        got(*text);
    return size;
}
