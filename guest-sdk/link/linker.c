/* SPDX-License-Identifier: Apache-2.0 */
/* linker.c - see linker.h. */
#include "linker.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static bool is_own(const char *directory, const char *own)
{
    struct stat a, b;
    return stat(directory, &a) == 0 && stat(own, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* A directory may be called ld, too. */
static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool search(struct linker *linker, const char *list, const char *name, const char *own)
{
    for (const char *end; list && *list; list = *end ? end + 1 : end) {
        end = strchrnul(list, ':');
        char directory[2048];
        int n = snprintf(directory, sizeof(directory), "%.*s/", (int)(end - list), list);
        if (n <= 1 || (size_t)n >= sizeof(directory) || is_own(directory, own))
            continue;
        n = snprintf(linker->path, sizeof(linker->path), "%s%s", directory, name);
        if ((size_t)n < sizeof(linker->path) && is_program(linker->path))
            return true;
    }
    return false;
}

static int wait_for(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int linker_run(const char *path, char **argv)
{
    pid_t pid;
    errno = posix_spawn(&pid, path, NULL, NULL, argv, environ);
    return errno ? -1 : wait_for(pid);
}

/* Its own word for what it is counts, not its name: a symbolic link `ld` may be any of them. */
static void identify(struct linker *linker)
{
    static const struct {
        const char *text;
        enum linker_kind kind;
    } kinds[] = {
        {"mold", LINKER_MOLD}, /* "mold 1.10.1 (compatible with GNU ld)" */
        {"LLD", LINKER_LLD},
        {"GNU gold", LINKER_GOLD},
        {"GNU ld", LINKER_BFD},
    };
    int fds[2];
    pid_t pid;
    char *argv[] = {linker->path, "--version", NULL};
    posix_spawn_file_actions_t actions;

    if (pipe(fds))
        return;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    posix_spawn_file_actions_addclose(&actions, fds[1]);
    int rc = posix_spawn(&pid, linker->path, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    FILE *f = fdopen(fds[0], "r");
    char rest[512];
    if (f && !rc && fgets(linker->version, sizeof(linker->version), f)) {
        linker->version[strcspn(linker->version, "\n")] = '\0';
        while (fgets(rest, sizeof(rest), f))
            ; /* so that it does not die of SIGPIPE */
    }
    if (f)
        fclose(f);
    else
        close(fds[0]);
    if (!rc)
        wait_for(pid);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && !linker->kind; i++)
        if (strstr(linker->version, kinds[i].text))
            linker->kind = kinds[i].kind;
}

bool linker_find(struct linker *linker, const char *name, const char *own)
{
    memset(linker, 0, sizeof(*linker));
    if (strchr(name, '/')) {
        if ((size_t)snprintf(linker->path, sizeof(linker->path), "%s", name) >=
                sizeof(linker->path) ||
            !is_program(name))
            return false;
    } else if (!search(linker, getenv("COMPILER_PATH"), name, own) &&
               !search(linker, getenv("PATH"), name, own)) {
        return false;
    }
    identify(linker);
    return true;
}
