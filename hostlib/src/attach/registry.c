/* SPDX-License-Identifier: Apache-2.0 */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "retry.h"
#include "image.h"

#define NAME_SIZE 32
#define NAP_MS 2
#define TURN_MS 2000 /* for other processes to finish */
#define TRIES 10000  /* entries of one process that may already exist */

struct registry {
    struct registry_file *file;
    const char *function; /* the last pointer written */
    int directory;
    char name[NAME_SIZE];
};

static _Atomic unsigned last_number;

static void name_entry(char *name, unsigned number)
{
    snprintf(name, NAME_SIZE, "%d-%u", (int)getpid(), number);
}

/* True for an entry left by an earlier process with our number. */
static bool stale(int directory, const char *name)
{
    struct registry_file *file = malloc(sizeof(*file));
    int fd = RETRY(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    bool old = false;
    if (fd >= 0 && file) {
        bool whole = pread_full(fd, file, sizeof(*file), 0) == sizeof(*file);
        /* Nothing is known about a process of this number in another container. */
        old = !whole || (file->pid_namespace == registry_pid_namespace() &&
                         !registry_alive(getpid(), file->started));
    }
    if (fd >= 0)
        close(fd);
    free(file);
    return old;
}

int registry_private_endpoint(char *buf, size_t size, struct hl_error *error)
{
    char path[REGISTRY_PATH], name[NAME_SIZE];
    int directory = registry_open(path, error);
    int rc = HL_ERR_SYSTEM;
    if (directory < 0)
        return rc;
    for (int i = 0; i < TRIES && rc == HL_ERR_SYSTEM; i++) {
        name_entry(name, ++last_number);
        if (faccessat(directory, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 && !stale(directory, name))
            continue;
        int n = snprintf(buf, size, "unix:%s/%s.sock", path, name);
        rc = n < 0 || (size_t)n >= size ? HL_ERR_LIMIT : 0;
    }
    close(directory);
    if (rc)
        hl_error_set(error, rc, "no name is left for a debugger's socket in %s", path);
    return rc;
}

/* The number in a private endpoint is its sandbox's. */
static unsigned number_of(const char *endpoint)
{
    const char *slash = strrchr(endpoint, '/');
    unsigned number;
    int pid, end = 0;
    if (strncmp(endpoint, "unix:", 5) != 0 || !slash ||
        sscanf(slash, "/%d-%u.sock%n", &pid, &number, &end) != 2 || slash[end] || !end ||
        pid != getpid() || number > last_number)
        return 0;
    return number;
}

static void copy(char *to, size_t size, const char *from)
{
    size_t n = strnlen(from, size - 1);
    memcpy(to, from, n);
    to[n] = '\0';
}

static struct registry_file *new_file(const struct hl_sandbox *sb, const char *endpoint,
                                      const char *remote)
{
    struct registry_file *file = calloc(1, sizeof(*file));
    if (!file)
        return NULL;
    memcpy(file->magic, REGISTRY_MAGIC, sizeof(file->magic));
    file->version = REGISTRY_VERSION;
    file->pid = (uint32_t)getpid();
    file->started = registry_started(getpid());
    file->pid_namespace = registry_pid_namespace();
    copy(file->endpoint, sizeof(file->endpoint), endpoint);
    copy(file->remote, sizeof(file->remote), remote ? remote : "");
    copy(file->program, sizeof(file->program), program_invocation_short_name);
    copy(file->guest, sizeof(file->guest), image_file(hl_sandbox_image(sb)));
    return file;
}

/* Written in full before it is mapped: a full disk must be an error, not a SIGBUS. */
static struct registry_file *write_file(int directory, const char *name,
                                        const struct registry_file *file)
{
    char hidden[NAME_SIZE + 1];
    snprintf(hidden, sizeof(hidden), ".%s", name);
    unlinkat(directory, hidden, 0);
    const int flags = O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
    int fd = RETRY(openat(directory, hidden, flags, 0600));
    if (fd < 0)
        return NULL;
    void *map = MAP_FAILED;
    struct file_limit limit;
    file_limit_begin(&limit);
    bool whole = pwrite_full(fd, file, sizeof(*file), 0);
    file_limit_end(&limit);
    if (whole)
        map = mmap(NULL, sizeof(*file), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    /* A process that lists entries sees a complete one or none. */
    if (map != MAP_FAILED && linkat(directory, hidden, directory, name, 0)) {
        int e = errno;
        munmap(map, sizeof(*file));
        map = MAP_FAILED;
        errno = e;
    }
    int e = errno;
    unlinkat(directory, hidden, 0);
    errno = e;
    return map == MAP_FAILED ? NULL : map;
}

static int publish(struct registry *r, struct registry_file *file, unsigned number,
                   struct hl_error *error)
{
    for (int i = 0; i < TRIES; i++) {
        file->number = number ? number : ++last_number;
        name_entry(r->name, file->number);
        if (stale(r->directory, r->name))
            unlinkat(r->directory, r->name, 0);
        r->file = write_file(r->directory, r->name, file);
        if (r->file)
            return 0;
        if (errno != EEXIST || number)
            break;
    }
    return hl_error_set(error, HL_ERR_SYSTEM, "cannot make an entry for `hl-dev ps`: %s",
                        strerror(errno));
}

int registry_add(struct registry **out, const struct hl_sandbox *sb, const char *endpoint,
                 const char *remote, struct hl_error *error)
{
    char path[REGISTRY_PATH];
    *out = NULL;
    struct registry *r = calloc(1, sizeof(*r));
    struct registry_file *file = new_file(sb, endpoint, remote);
    int rc;
    if (!r || !file) {
        rc = hl_error_set(error, HL_ERR_MEMORY, "out of memory");
        goto out;
    }
    r->directory = registry_open(path, error);
    rc = r->directory < 0 ? HL_ERR_SYSTEM : publish(r, file, number_of(endpoint), error);
    if (rc && r->directory >= 0)
        close(r->directory);
    if (!rc) {
        *out = r;
        r = NULL;
    }
out:
    free(file);
    free(r);
    return rc;
}

static void tell_function(struct registry *r, const char *function)
{
    struct registry_file *file = r->file;
    atomic_fetch_add_explicit(&file->sequence, 1, memory_order_acquire); /* odd before the text */
    copy(file->function, sizeof(file->function), function ? function : "");
    atomic_fetch_add_explicit(&file->sequence, 1, memory_order_release);
    r->function = function;
}

void registry_update(struct registry *r, enum registry_state state, const char *function,
                     uint64_t calls, uint64_t exits)
{
    if (!r)
        return;
    if (function != r->function)
        tell_function(r, function);
    atomic_store_explicit(&r->file->calls, calls, memory_order_relaxed);
    atomic_store_explicit(&r->file->exits, exits, memory_order_relaxed);
    atomic_store_explicit(&r->file->state, (uint32_t)state, memory_order_relaxed);
}

void registry_remove(struct registry *r)
{
    if (!r)
        return;
    /* After fork() the child has copies of our sandboxes, but does not own them. */
    if (r->file->pid == (uint32_t)getpid())
        unlinkat(r->directory, r->name, 0);
    munmap(r->file, sizeof(*r->file));
    close(r->directory);
    free(r);
}

/* ---- turns ---- */

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER; /* among our own threads */
static int locked = -1;

/* A child shares the lock with its parent, and would hold it after the parent is killed. */
static void leave_to_parent(void)
{
    if (locked >= 0)
        close(locked);
    locked = -1;
    pthread_mutex_init(&turn, NULL);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, leave_to_parent);
}

/* Not without end: the process that holds the lock may be stopped. */
static bool lock_directory(int fd)
{
    const struct timespec nap = {.tv_nsec = NAP_MS * 1000000l};
    for (int waited = 0; waited < TURN_MS; waited += NAP_MS) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return true;
        if (errno == EWOULDBLOCK)
            nanosleep(&nap, NULL);
    }
    return false;
}

int registry_lock(void)
{
    char path[REGISTRY_PATH];
    pthread_mutex_lock(&turn);
    int fd = locked = registry_open(path, NULL);
    if (fd >= 0)
        lock_directory(fd);
    else
        locked = -1;
    return fd;
}

/* Unlocked explicitly: a child of fork() may have a copy of the descriptor. */
void registry_unlock(int lock)
{
    locked = -1;
    if (lock >= 0) {
        flock(lock, LOCK_UN);
        close(lock);
    }
    pthread_mutex_unlock(&turn);
}
