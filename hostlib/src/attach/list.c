/* SPDX-License-Identifier: Apache-2.0 */
/* attach/list.c - list the registry's entries, and remove those of dead processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "full_io.h"
#include "grow.h"
#include "registry.h"
#include "retry.h"

#define ENTRIES_MAX 65536

struct listing {
    struct hl_attachable *entry;
    size_t count, room;
    uint64_t pid_namespace;
};

/* Valid names in the directory: "PID-N", with a dot before it or with ".sock" after it. */
enum kind { OTHER, ENTRY, HIDDEN, SOCKET };

static enum kind kind_of(const char *name, int *pid)
{
    bool hidden = name[0] == '.';
    unsigned number;
    int end = 0;
    if (sscanf(name + hidden, "%d-%u%n", pid, &number, &end) != 2 || *pid <= 0 || !end)
        return OTHER;
    name += hidden + end;
    if (hidden)
        return *name ? OTHER : HIDDEN;
    return !*name ? ENTRY : strcmp(name, ".sock") == 0 ? SOCKET : OTHER;
}

static bool ends(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

/* Entries are read, not mapped: a file that shrinks must not be a SIGBUS. */
static bool read_entry(int fd, struct registry_file *file)
{
    struct stat st;
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
                pread_full(fd, file, sizeof(*file), 0) == sizeof(*file);
    return good && memcmp(file->magic, REGISTRY_MAGIC, sizeof(file->magic)) == 0 &&
           file->version == REGISTRY_VERSION && file->state <= HL_ATTACHABLE_EXITED &&
           ends(file->function, sizeof(file->function)) &&
           ends(file->program, sizeof(file->program)) &&
           ends(file->endpoint, sizeof(file->endpoint)) &&
           ends(file->remote, sizeof(file->remote)) && ends(file->guest, sizeof(file->guest));
}

/* The socket belongs to our user, and nobody listens on it. */
static bool dead_socket(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    if (strlen(path) >= sizeof(a.sun_path) || lstat(path, &st) || !S_ISSOCK(st.st_mode) ||
        st.st_uid != geteuid())
        return false;
    memcpy(a.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool dead = connect(fd, (struct sockaddr *)&a, sizeof(a)) && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

static void sweep(int directory, const char *name, const struct registry_file *file)
{
    if (strncmp(file->endpoint, "unix:", 5) == 0 && dead_socket(file->endpoint + 5))
        unlink(file->endpoint + 5);
    unlinkat(directory, name, 0);
}

static int add_entry(struct listing *l, const struct registry_file *file, struct hl_error *error)
{
    struct hl_attachable *more = array_grow(l->entry, &l->room, l->count + 1, sizeof(*more));
    if (!more)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    l->entry = more;
    struct hl_attachable *a = &l->entry[l->count++];
    *a = (struct hl_attachable){
        .pid = (int)file->pid,
        .number = file->number,
        .state = (enum hl_attachable_state)file->state,
        .calls = file->calls,
        .exits = file->exits,
    };
    /* It changed while it was read: show no name rather than half of one. */
    if (!(file->sequence & 1))
        memcpy(a->function, file->function, sizeof(a->function));
    memcpy(a->program, file->program, sizeof(a->program));
    memcpy(a->endpoint, file->endpoint, sizeof(a->endpoint));
    memcpy(a->remote, file->remote, sizeof(a->remote));
    memcpy(a->guest, file->guest, sizeof(a->guest));
    return 0;
}

static int take_file(struct listing *l, int directory, const char *name, int pid,
                     struct registry_file *file, struct hl_error *error)
{
    int fd = RETRY(openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM))
        return hl_error_set(error, HL_ERR_SYSTEM, "the entry %s: %s", name, strerror(errno));
    bool good = fd >= 0 && read_entry(fd, file) && file->pid == (uint32_t)pid;
    if (fd >= 0)
        close(fd);
    if (!good) {
        if (!registry_started(pid))
            unlinkat(directory, name, 0);
        return 0;
    }
    /* The process is in another container, where its number means something else. */
    if (file->pid_namespace != l->pid_namespace)
        return 0;
    if (registry_alive(pid, file->started))
        return add_entry(l, file, error);
    sweep(directory, name, file);
    return 0;
}

static int take_entry(struct listing *l, int directory, const char *name, int pid,
                      struct hl_error *error)
{
    struct registry_file *file = malloc(sizeof(*file));
    if (!file)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    int rc = take_file(l, directory, name, pid, file, error);
    free(file);
    return rc;
}

/* Its process died after making the socket and before writing the entry. */
static void take_socket(int directory, const char *path, const char *name, int pid)
{
    char full[512];
    if (registry_started(pid))
        return;
    snprintf(full, sizeof(full), "%s/%s", path, name);
    if (dead_socket(full))
        unlinkat(directory, name, 0);
}

static int read_directory(void *opaque, const char *path, int fd, struct hl_error *error)
{
    struct listing *l = opaque;
    int again = dup(fd), rc = 0;
    DIR *d = again < 0 ? NULL : fdopendir(again);
    const struct dirent *e;
    if (!d) {
        if (again >= 0)
            close(again);
        return hl_error_set(error, HL_ERR_SYSTEM, "%s: %s", path, strerror(errno));
    }
    while (!rc && l->count < ENTRIES_MAX && (e = readdir(d))) {
        int pid;
        switch (kind_of(e->d_name, &pid)) {
        case ENTRY:
            rc = take_entry(l, fd, e->d_name, pid, error);
            break;
        case HIDDEN:
            if (!registry_started(pid))
                unlinkat(fd, e->d_name, 0);
            break;
        case SOCKET:
            take_socket(fd, path, e->d_name, pid);
            break;
        case OTHER:
        default:
            break;
        }
    }
    closedir(d);
    return rc;
}

static int compare(const void *a, const void *b)
{
    const struct hl_attachable *x = a, *y = b;
    if (x->pid != y->pid)
        return x->pid < y->pid ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

int hl_attachable_list(struct hl_attachable **list, size_t *count, struct hl_error *error)
{
    struct listing l = {.pid_namespace = registry_pid_namespace()};
    *list = NULL;
    *count = 0;
    int rc = registry_read(read_directory, &l, error);
    if (rc || !l.count) {
        free(l.entry);
        return rc;
    }
    qsort(l.entry, l.count, sizeof(*l.entry), compare);
    *list = l.entry;
    *count = l.count;
    return 0;
}

void hl_attachable_free(struct hl_attachable *list)
{
    free(list);
}

const char *hl_attachable_state_name(enum hl_attachable_state state)
{
    static const char *const names[] = {"idle", "in a call", "held by a debugger", "poisoned",
                                        "exited"};
    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "?";
}
