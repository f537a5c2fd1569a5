/* SPDX-License-Identifier: Apache-2.0 */
#include "hook_gdb.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hl/attach.h>
#include <hl/debug.h>

#include "env.h"
#include "registry.h"
#include "sandbox.h"

#define ENDPOINT_MAX 256
#define TRIES 1000

static int serve(struct hl_sandbox *sb, const char *endpoint, struct hl_error *error)
{
    /*
     * On standard input the debugger is connected from the start, and must see the first
     * instruction.
     */
    const struct hl_debug_config config = {
        .size = sizeof(config),
        .hold = endpoint && strcmp(endpoint, "stdio") == 0 ? HL_HOLD_ENTRY : HL_HOLD_NONE};
    return hl_sandbox_debug(sb, endpoint, &config, error);
}

static bool is_socket(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* If a socket is in use, try the next name; a file of another kind is an error. */
static int serve_unix(struct hl_sandbox *sb, const char *endpoint, struct hl_error *error)
{
    char next[ENDPOINT_MAX];
    int rc = serve(sb, endpoint, error);
    for (int i = 2; rc == HL_ERR_STATE && i < TRIES; i++) {
        if (i == 2 && !is_socket(endpoint + strlen("unix:")))
            break;
        snprintf(next, sizeof(next), "%s.%d", endpoint, i);
        rc = serve(sb, next, error);
    }
    return rc;
}

/* If a port is in use, let the kernel choose a free one. */
static int serve_tcp(struct hl_sandbox *sb, const char *endpoint, struct hl_error *error)
{
    char any[ENDPOINT_MAX];
    int rc = serve(sb, endpoint, error);
    if (rc != HL_ERR_STATE)
        return rc;
    snprintf(any, sizeof(any), "%s", endpoint);
    snprintf(strrchr(any, ':') + 1, 2, "0");
    return serve(sb, any, error);
}

/* A pipe or a socket can have an owner; a terminal and /dev/null cannot. */
static bool same_stream(int pid)
{
    char path[32], theirs[64], ours[64]; /* "socket:[...]" is short, a path begins with '/' */
    snprintf(path, sizeof(path), "/proc/%d/fd/0", pid);
    ssize_t m = readlink(path, theirs, sizeof(theirs));
    ssize_t n = readlink("/proc/self/fd/0", ours, sizeof(ours));
    return n > 0 && m == n && memcmp(ours, theirs, (size_t)n) == 0 && ours[0] != '/';
}

/* A child inherits the streams with the variable: does a sandbox of a parent already use them? */
static bool stdio_is_taken(void)
{
    static atomic_flag taken = ATOMIC_FLAG_INIT;
    struct hl_attachable *list;
    size_t count;
    bool found = false;
    if (atomic_flag_test_and_set(&taken))
        return true;
    if (hl_attachable_list(&list, &count, NULL))
        return false;
    for (size_t i = 0; i < count && !found; i++)
        found = strcmp(list[i].endpoint, "stdio") == 0 && same_stream(list[i].pid);
    hl_attachable_free(list);
    return found;
}

static int open_endpoint(struct hl_sandbox *sb, const char *value, struct hl_error *error)
{
    if (strcmp(value, "1") == 0 || strcmp(value, "auto") == 0)
        return serve(sb, NULL, error);
    if (strcmp(value, "stdio") == 0)
        return serve(sb, stdio_is_taken() ? NULL : value, error);
    if (strlen(value) >= ENDPOINT_MAX - 8)
        return hl_error_set(error, HL_ERR_ARGUMENT, "an endpoint of %zu characters", strlen(value));
    if (strncmp(value, "unix:", 5) == 0)
        return serve_unix(sb, value, error);
    if (strncmp(value, "tcp:", 4) == 0)
        return serve_tcp(sb, value, error);
    return serve(sb, value, error);
}

/* The program's user may not be its author: say which variable the endpoint came from. */
static int explain(const char *value, int rc, const struct hl_error *why, struct hl_error *error)
{
    hl_error_set(error, rc, "HL_GDB=%.100s: %.600s", value, why->text);
    if (error)
        error->sys_errno = why->sys_errno;
    if (rc == HL_ERR_ARGUMENT)
        hl_error_hint(error,
                      "HL_GDB is auto, stdio, unix:PATH or tcp:[HOST:]PORT here; empty is off");
    else if (why->hint[0])
        hl_error_hint(error, "%s", why->hint);
    return rc;
}

int hook_gdb(struct hl_sandbox *sb, struct hl_error *error)
{
    const char *value = env_value(ENV_GDB);
    struct hl_error why = {0};
    if (!value || !*value || sb->config.no_debugger)
        return 0;
    int lock = registry_lock(); /* other processes may try the same endpoint */
    int rc = open_endpoint(sb, value, &why);
    registry_unlock(lock);
    return rc ? explain(value, rc, &why, error) : 0;
}
