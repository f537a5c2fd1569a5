/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All or nothing: the project is written into a temporary directory beside its place and renamed
 * when it is complete.  SIGINT, SIGTERM and SIGHUP are blocked meanwhile and checked between
 * files; they take effect when the temporary directory has been removed.
 */
#include "new.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "full_io.h"

static const int stoppers[] = {SIGINT, SIGTERM, SIGHUP};
#define STOPPERS (sizeof(stoppers) / sizeof(stoppers[0]))

/* One that is ignored (nohup) stays so: blocked, it would become pending. */
static void hold_signals(sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < STOPPERS; i++) {
        struct sigaction action;
        if (!sigaction(stoppers[i], NULL, &action) && action.sa_handler != SIG_IGN)
            sigaddset(&set, stoppers[i]);
    }
    sigprocmask(SIG_BLOCK, &set, before);
}

static bool stopped(void)
{
    sigset_t set;

    sigpending(&set);
    for (size_t i = 0; i < STOPPERS; i++)
        if (sigismember(&set, stoppers[i]) == 1)
            return true;
    return false;
}

static char *join(const char *directory, const char *name)
{
    char *path;
    return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int write_file(const char *path, const struct new_entry *entry)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, entry->mode & 0777);
    int failed;
    if (fd < 0)
        return -1;
    failed = !write_full(fd, entry->text.data, entry->text.len);
    return close(fd) || failed ? -1 : 0;
}

static int write_entry(const char *root, const struct new_entry *entry, const char *target)
{
    char *path = join(root, entry->path);
    int failed, status = 0;
    if (!path)
        return new_error(NEW_SYSTEM, "out of memory");
    failed = S_ISDIR(entry->mode) ? mkdir(path, entry->mode & 0777) : write_file(path, entry);
    if (failed)
        status = new_error_errno("cannot write %s/%s", target, entry->path);
    free(path);
    return status;
}

/* Best effort, and quiet: the error that led here has been reported. */
static void remove_all(const char *root, const struct new_plan *plan)
{
    for (size_t i = plan->count; i-- > 0;) {
        char *path = join(root, plan->entries[i].path);
        if (path)
            remove(path);
        free(path);
    }
    rmdir(root);
}

static int exists(const char *target)
{
    int status = new_error(NEW_USER, "%s already exists", target);
    new_hint("choose another name, or remove it first");
    return status;
}

static int move(const char *root, const char *target)
{
    int failed = renameat2(AT_FDCWD, root, AT_FDCWD, target, RENAME_NOREPLACE);
    /*
     * Not every file system knows the flag.  Without it all that could be replaced is an empty
     * directory made in this instant.
     */
    if (failed && (errno == EINVAL || errno == ENOSYS))
        failed = rename(root, target);
    if (failed && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR))
        return exists(target);
    return failed ? new_error_errno("cannot create %s", target) : 0;
}

static int fill(const struct new_plan *plan, const char *root, const char *target)
{
    mode_t mask = umask(0);
    int status = 0;
    umask(mask);
    for (size_t i = 0; i < plan->count && !status; i++)
        status = stopped() ? new_error(NEW_SYSTEM, "interrupted, nothing was created")
                           : write_entry(root, &plan->entries[i], target);
    if (!status && chmod(root, 0777 & ~mask)) /* mkdtemp() made it private */
        status = new_error_errno("cannot create %s", target);
    return status ? status : move(root, target);
}

int new_target_check(const char *target, const char *parent)
{
    struct stat st;
    int status;
    if (!lstat(target, &st))
        return exists(target);
    if (!stat(parent, &st) && !S_ISDIR(st.st_mode))
        errno = ENOTDIR;
    else if (!access(parent, W_OK | X_OK))
        return 0;
    status = new_error_errno("cannot create %s in %s", target, parent);
    if (access(parent, F_OK) && errno == ENOENT)
        new_hint("create the directory first: mkdir -p %s", parent);
    return status;
}

int new_plan_write(const struct new_plan *plan, const char *target, const char *parent)
{
    char *root = join(parent, ".hl-new-XXXXXX");
    sigset_t before;
    int status;

    if (!root)
        return new_error(NEW_SYSTEM, "out of memory");
    hold_signals(&before);
    if (!mkdtemp(root)) {
        status = new_error_errno("cannot create %s in %s", target, parent);
    } else {
        status = fill(plan, root, target);
        if (status)
            remove_all(root, plan);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(root);
    return status;
}
