/* SPDX-License-Identifier: Apache-2.0 */
/* registry_dir.c - the directory of the registry, and what tells processes apart. */
#include "registry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "retry.h"

#define DIRECTORY_MAX 64 /* leaves room for a socket's name in the 108 bytes of sun_path */

/* su and sudo may hand down another user's. */
static bool runtime_directory(char *path, size_t size)
{
    const char *base = secure_getenv("XDG_RUNTIME_DIR");
    struct stat st;
    if (!base || base[0] != '/' || strlen(base) > DIRECTORY_MAX)
        return false;
    if (stat(base, &st) || !S_ISDIR(st.st_mode) || st.st_uid != geteuid())
        return false;
    snprintf(path, size, "%s/hl", base);
    return true;
}

void registry_directory(char *path, size_t size)
{
    if (!runtime_directory(path, size))
        snprintf(path, size, "/tmp/hl-%u", (unsigned)geteuid());
}

static int distrust(const char *path, const char *why, struct hl_error *error)
{
    hl_error_set(error, HL_ERR_SYSTEM, "the directory of debugger sockets, %s, %s", path, why);
    hl_error_hint(error, "remove it, or set XDG_RUNTIME_DIR to a directory of your own");
    return -2;
}

int registry_directory_open(const char *path, bool make, struct hl_error *error)
{
    struct stat st;
    if (make && mkdir(path, 0700) && errno != EEXIST)
        return distrust(path, strerror(errno), error);
    int fd = RETRY(open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (fd < 0 && errno == ENOENT && !make)
        return -1;
    if (fd < 0)
        return distrust(path,
                        errno == ELOOP || errno == ENOTDIR ? "is not a directory" : strerror(errno),
                        error);
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

/* The 22nd field; the second one, a name in parentheses, may hold anything. */
uint64_t registry_started(int pid)
{
    char path[32], text[1024];
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    int fd = RETRY(open(path, O_RDONLY | O_CLOEXEC));
    if (fd < 0)
        return 0;
    ssize_t n = RETRY(read(fd, text, sizeof(text) - 1));
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    const char *p = strrchr(text, ')');
    /* A zombie holds nothing any more. */
    if (!p || p[1] != ' ' || p[2] == 'Z' || p[2] == 'X')
        return 0;
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoull(p + 1, NULL, 10) : 0;
}

uint64_t registry_pid_namespace(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}
