/* SPDX-License-Identifier: Apache-2.0 */
#include "gdb.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "file.h"
#include "signals.h"
#include "ui.h"
#include "watchdog.h"

extern char **environ;

struct gdb_run {
    char *program, *guest, *init, *command;
    char **argv;
    struct session *session;
    pthread_t thread;
    bool started;
    int status;
};

static bool executable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static char *on_path(const char *name)
{
    const char *path = getenv("PATH");
    char *full = NULL;
    if (strchr(name, '/'))
        return executable(name) ? strdup(name) : NULL;
    for (const char *p = path ? path : "/usr/bin:/bin"; *p; p += *p == ':') {
        size_t n = strcspn(p, ":");
        if (asprintf(&full, "%.*s%s%s", (int)n, p, n ? "/" : "./", name) < 0)
            return NULL;
        if (executable(full))
            return full;
        free(full);
        p += n;
    }
    return NULL;
}

int gdb_find(char **program, struct hl_error *error)
{
    const char *name = getenv("GDB");
    bool own = name && *name;
    *program = on_path(own ? name : "gdb");
    if (*program)
        return 0;
    hl_error_set(error, HL_ERR_FILE, own ? "there is no program %s ($GDB)" : "%s is not installed",
                 own ? name : "gdb");
    hl_error_hint(error, own ? "set GDB to the gdb to use, or unset it" : "apt-get install gdb");
    return HL_ERR_FILE;
}

char **gdb_arguments(char *program, const char *guest, const char *init, char *command, char **args,
                     int arg_count)
{
    char **argv = calloc((size_t)arg_count + 8, sizeof(*argv));
    size_t n = 0;
    if (!argv)
        return NULL;
    argv[n++] = program;
    argv[n++] = (char *)"-q";
    if (init) {
        argv[n++] = (char *)"-x";
        argv[n++] = (char *)init;
    }
    argv[n++] = (char *)"-ex";
    argv[n++] = command;
    for (int i = 0; i < arg_count; i++)
        argv[n++] = args[i];
    if (guest)
        argv[n++] = (char *)guest;
    return argv;
}

int gdb_run_prepare(struct gdb_run **out, struct hl_error *error)
{
    *out = NULL;
    struct gdb_run *run = calloc(1, sizeof(*run));
    if (!run)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    int rc = gdb_find(&run->program, error);
    if (rc) {
        free(run);
        return rc;
    }
    *out = run;
    return 0;
}

/* Our ways with signals are not gdb's. */
static int spawn(struct gdb_run *run, pid_t *pid)
{
    posix_spawnattr_t attr;
    sigset_t set;
    posix_spawnattr_init(&attr);
    sigemptyset(&set);
    posix_spawnattr_setsigmask(&attr, &set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGQUIT);
    posix_spawnattr_setsigdefault(&attr, &set);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    fflush(NULL);
    int rc = posix_spawn(pid, run->program, NULL, &attr, run->argv, environ);
    posix_spawnattr_destroy(&attr);
    return rc;
}

static int run_gdb(struct gdb_run *run)
{
    struct termios before;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    int status;
    pid_t pid;
    int rc = spawn(run, &pid);
    if (rc)
        return ui_error(EXIT_USER, "cannot start %s: %s", run->program, strerror(rc));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    /* It had no chance to put the terminal right. */
    if (terminal)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    return ui_error(128 + WTERMSIG(status), "gdb was killed by signal %d", WTERMSIG(status));
}

static void *work(void *opaque)
{
    struct gdb_run *run = opaque;
    run->status = run_gdb(run);
    signals_leave_interrupt(false);
    watchdog_end(run->session->watchdog, WATCHDOG_GDB_GONE, run->status);
    return NULL;
}

/* directory/name, if it can be read. */
static char *readable(const char *directory, const char *name)
{
    char *path = directory ? file_join(directory, name) : NULL;
    if (path && access(path, R_OK)) {
        free(path);
        path = NULL;
    }
    return path;
}

char *gdb_helpers(void)
{
    char *own = file_own_directory();
    char *path = readable(own, "../share/hl/gdb/hl.py");
    free(own);
    return path;
}

int gdb_run_start(struct session *s, struct hl_error *error)
{
    struct gdb_run *run = s->gdb_run;
    run->session = s;
    /* A project's own file loads the helpers, too, if it wants them. */
    run->init = readable(s->project.directory, "gdbinit");
    if (!run->init)
        run->init = gdb_helpers();
    run->guest = realpath(s->project.guest, NULL);
    if (asprintf(&run->command, "target extended-remote %s", hl_sandbox_debug_remote(s->sandbox)) <
        0)
        run->command = NULL;
    if (run->command)
        run->argv = gdb_arguments(run->program, run->guest, run->init, run->command,
                                  s->options->args, s->options->arg_count);
    if (!run->argv)
        return hl_error_set(error, HL_ERR_MEMORY, "out of memory");
    signals_leave_interrupt(true);
    signal(SIGQUIT, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    if (pthread_create(&run->thread, NULL, work, run))
        return hl_error_set(error, HL_ERR_SYSTEM, "cannot start a thread for gdb");
    run->started = true;
    return 0;
}

int gdb_run_wait(struct gdb_run *run)
{
    if (!run->started)
        return -1;
    pthread_join(run->thread, NULL);
    run->started = false;
    return run->status;
}

void gdb_run_free(struct gdb_run *run)
{
    if (!run)
        return;
    free(run->argv);
    free(run->command);
    free(run->guest);
    free(run->init);
    free(run->program);
    free(run);
}
