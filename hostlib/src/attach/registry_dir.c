/* SPDX-License-Identifier: Apache-2.0 */
/* attach/registry_dir.c - the registry's directory, and the start times that identify processes. */
#include "registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "env.h"
#include "retry.h"

#define DIRECTORY_MAX 64 /* leaves room for the socket's name in sun_path (108 bytes) */
#define PATH_ROOM REGISTRY_PATH
#define TEMPORARY "/tmp"
#define CHOSEN "-XXXXXX"

/* su and sudo may pass on another user's directory. */
static bool is_ours(const char *base)
{
    struct stat st;
    return base && base[0] == '/' && strlen(base) <= DIRECTORY_MAX && stat(base, &st) == 0 &&
           S_ISDIR(st.st_mode) && st.st_uid == geteuid();
}

/* Another user owns the name: use another directory. */
static bool is_taken(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && st.st_uid != geteuid();
}

/*
 * The directory that the login created, also without the variable, as for services and cron jobs.
 */
static bool runtime_directory(char *path, size_t size)
{
    char usual[32];
    snprintf(usual, sizeof(usual), "/run/user/%u", (unsigned)geteuid());
    const char *const base[] = {env_value(ENV_RUNTIME_DIR), usual};
    for (size_t i = 0; i < sizeof(base) / sizeof(base[0]); i++) {
        if (!is_ours(base[i]))
            continue;
        snprintf(path, size, "%s/hl", base[i]);
        if (!is_taken(path))
            return true;
    }
    return false;
}

/* ---- in the temporary directory ---- */

static int name_plain(char *path, size_t size)
{
    return snprintf(path, size, TEMPORARY "/hl-%u", (unsigned)geteuid());
}

/* "/tmp/hl-UID-" and what mkdtemp() chose. */
static bool is_chosen(int temporary, const char *name, const char *plain)
{
    struct stat st;
    const char *prefix = plain + sizeof(TEMPORARY);
    size_t n = strlen(prefix);
    return strncmp(name, prefix, n) == 0 && strlen(name) == n + sizeof(CHOSEN) - 1 &&
           name[n] == '-' && fstatat(temporary, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(st.st_mode) && st.st_uid == geteuid() && !(st.st_mode & 077);
}

/*
 * Directories made because another user had the plain name.  Calls f for each until it returns
 * non-zero; there may be several, as two processes may have made one each at the same time.
 */
static int each_chosen(int (*f)(void *opaque, const char *path), void *opaque)
{
    char plain[PATH_ROOM], path[PATH_ROOM];
    const struct dirent *e;
    int rc = 0;
    name_plain(plain, sizeof(plain));
    DIR *d = opendir(TEMPORARY);
    while (d && !rc && (e = readdir(d))) {
        if (!is_chosen(dirfd(d), e->d_name, plain))
            continue;
        snprintf(path, sizeof(path), TEMPORARY "/%.64s", e->d_name);
        rc = f(opaque, path);
    }
    if (d)
        closedir(d);
    return rc;
}

/* All processes must choose the same one, whatever the order in which the directory is read. */
static int keep_first(void *opaque, const char *path)
{
    char *first = opaque;
    if (!*first || strcmp(path, first) < 0)
        snprintf(first, PATH_ROOM, "%s", path);
    return 0;
}

/*
 * In a world-writable directory another user may take any name that can be guessed.  Then a
 * directory with a random name is created, and found again by its owner.
 */
static void temporary_directory(char path[PATH_ROOM], bool make)
{
    char chosen[PATH_ROOM] = "";
    struct stat st;
    name_plain(path, PATH_ROOM);
    bool there = lstat(path, &st) == 0;
    if (there && st.st_uid == geteuid())
        return;
    each_chosen(keep_first, chosen);
    if (there && make && !*chosen) {
        snprintf(chosen, sizeof(chosen), "%.80s" CHOSEN, path);
        if (!mkdtemp(chosen))
            return; /* opening the plain name reports the reason */
    }
    if (*chosen)
        memcpy(path, chosen, PATH_ROOM);
}

/* ---- */

static int distrust(const char *path, const char *why, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_SYSTEM, "the directory of debugger sockets, %s, %s", path, why);
    hl_error_hint(error, "remove it, or set XDG_RUNTIME_DIR to a directory of your own");
    return REGISTRY_FAILED;
}

/* Running out of descriptors or memory says nothing about the directory. */
static int cannot_open(const char *path, struct hl_error *error)
{
    int e = errno;
    if (e == ELOOP || e == ENOTDIR)
        return distrust(path, "is not a directory", error);
    if (e == EACCES || e == EPERM)
        return distrust(path, strerror(e), error);
    hl_error_set(error, HL_ERR_SYSTEM, "the directory of debugger sockets, %s: %s", path,
                 strerror(e));
    return REGISTRY_FAILED;
}

static int open_directory(const char *path, bool make, struct hl_error *error)
{
    struct stat st;
    if (make && mkdir(path, 0700) && errno != EEXIST)
        return cannot_open(path, error);
    int fd = RETRY(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0 && errno == ENOENT && !make)
        return REGISTRY_ABSENT;
    if (fd < 0)
        return cannot_open(path, error);
    const char *why = NULL;
    if (fstat(fd, &st))
        why = strerror(errno);
    else if (st.st_uid != geteuid())
        why = "belongs to another user";
    else if (st.st_mode & 077)
        why = "is open to other users";
    if (!why)
        return fd;
    close(fd);
    return distrust(path, why, error);
}

int registry_open(char path[REGISTRY_PATH], struct hl_error *error)
{
    if (!runtime_directory(path, REGISTRY_PATH))
        temporary_directory(path, true);
    return open_directory(path, true, error);
}

struct reading {
    registry_reader *f;
    void *opaque;
    struct hl_error *error;
};

static int read_one(void *opaque, const char *path)
{
    const struct reading *r = opaque;
    int fd = open_directory(path, false, r->error);
    if (fd < 0)
        return fd == REGISTRY_ABSENT ? 0 : HL_ERR_SYSTEM;
    int rc = r->f(r->opaque, path, fd, r->error);
    close(fd);
    return rc;
}

int registry_read(registry_reader *f, void *opaque, struct hl_error *error)
{
    struct reading reading = {f, opaque, error};
    char path[REGISTRY_PATH];
    if (runtime_directory(path, sizeof(path)))
        return read_one(&reading, path);
    name_plain(path, sizeof(path));
    int rc = is_taken(path) ? 0 : read_one(&reading, path);
    return rc ? rc : each_chosen(read_one, &reading);
}

/* Does the process exist?  For callers that cannot read /proc. */
static uint64_t unknown_start(int pid)
{
    return kill(pid, 0) && errno == ESRCH ? 0 : REGISTRY_UNKNOWN;
}

/* The 22nd field; the second one, a name in parentheses, may hold anything. */
uint64_t registry_started(int pid)
{
    char path[32], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return unknown_start(pid);
    ssize_t n = RETRY(read(fd, text, sizeof(text) - 1));
    close(fd);
    if (n <= 0)
        return unknown_start(pid);
    text[n] = '\0';
    const char *p = strrchr(text, ')');
    /* A zombie holds no resources. */
    if (p && p[1] == ' ' && (p[2] == 'Z' || p[2] == 'X'))
        return 0;
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : REGISTRY_UNKNOWN;
}

bool registry_alive(int pid, uint64_t started)
{
    uint64_t now = registry_started(pid);
    return now && (now == started || now == REGISTRY_UNKNOWN || started == REGISTRY_UNKNOWN);
}

uint64_t registry_pid_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}
