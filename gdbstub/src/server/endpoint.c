/* SPDX-License-Identifier: Apache-2.0 */
#include "endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "number.h"

/* libhl's own hl_error_set() would tie this library to that one. */
int gdb_fail(struct hl_error *error, int code, int sys_errno, const char *format, ...)
{
    va_list args;
    size_t n;

    if (!error)
        return code;
    memset(error, 0, sizeof(*error));
    error->code = code;
    error->sys_errno = sys_errno;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
    n = strlen(error->text);
    if (sys_errno)
        snprintf(error->text + n, sizeof(error->text) - n, ": %s", strerror(sys_errno));
    return code;
}

struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } u;
    socklen_t size;
};

/* No name service: what a name leads to is not for a debugger's port to depend on. */
static bool parse_host(const char *host, struct address *a)
{
    memset(a, 0, sizeof(*a));
    if (!*host || !strcmp(host, "localhost"))
        host = "127.0.0.1";
    if (inet_pton(AF_INET, host, &a->u.v4.sin_addr) == 1) {
        a->u.v4.sin_family = AF_INET;
        a->size = sizeof(a->u.v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &a->u.v6.sin6_addr) == 1) {
        a->u.v6.sin6_family = AF_INET6;
        a->size = sizeof(a->u.v6);
        return true;
    }
    return false;
}

static bool loopback(const struct address *a)
{
    if (a->u.any.sa_family == AF_INET)
        return ntohl(a->u.v4.sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&a->u.v6.sin6_addr);
}

/* [HOST:]PORT, with an IPv6 HOST in brackets. */
static bool parse_tcp(const char *text, struct address *a)
{
    const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
    size_t n = colon ? (size_t)(colon - text) : 0;
    char host[64];
    uint64_t number;

    if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
        text++;
        n -= 2;
    }
    if (n >= sizeof(host) || !number_is(port, 10, UINT16_MAX, &number))
        return false;
    memcpy(host, text, n);
    host[n] = '\0';
    if (!parse_host(host, a))
        return false;
    if (a->u.any.sa_family == AF_INET)
        a->u.v4.sin_port = htons((uint16_t)number);
    else
        a->u.v6.sin6_port = htons((uint16_t)number);
    return true;
}

static void name_tcp(struct gdb_endpoint *e)
{
    struct address a = {.size = sizeof(a.u)};
    char host[INET6_ADDRSTRLEN] = "";

    if (getsockname(e->listener, &a.u.any, &a.size))
        return;
    if (a.u.any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &a.u.v4.sin_addr, host, sizeof(host));
        snprintf(e->remote, sizeof(e->remote), "%s:%u", host, ntohs(a.u.v4.sin_port));
    } else {
        inet_ntop(AF_INET6, &a.u.v6.sin6_addr, host, sizeof(host));
        snprintf(e->remote, sizeof(e->remote), "[%s]:%u", host, ntohs(a.u.v6.sin6_port));
    }
    snprintf(e->text, sizeof(e->text), "tcp:%.250s", e->remote);
}

static int open_tcp(struct gdb_endpoint *e, const char *text, bool anywhere, struct hl_error *error)
{
    struct address a;
    int on = 1;

    if (!parse_tcp(text, &a))
        return gdb_fail(error, HL_ERR_ARGUMENT, 0, "bad TCP endpoint 'tcp:%s'", text);
    if (!loopback(&a) && !anywhere)
        return gdb_fail(error, HL_ERR_ARGUMENT, 0,
                        "'tcp:%s' is not a loopback address: anyone who reaches it owns the guest",
                        text);
    e->tcp = true;
    e->listener = socket(a.u.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->listener < 0)
        return gdb_fail(error, HL_ERR_SYSTEM, errno, "cannot make a socket");
    setsockopt(e->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(e->listener, &a.u.any, a.size) || listen(e->listener, 8))
        return gdb_fail(error, errno == EADDRINUSE ? HL_ERR_STATE : HL_ERR_SYSTEM, errno,
                        "cannot listen on tcp:%s", text);
    name_tcp(e);
    return 0;
}

/* A socket of ours on which no one listens, left behind by a crash. */
static bool stale(const struct sockaddr_un *a)
{
    struct stat st;
    bool dead;
    int fd;

    if (lstat(a->sun_path, &st) || !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
        return false;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    dead = connect(fd, (const struct sockaddr *)a, sizeof(*a)) && errno == ECONNREFUSED;
    close(fd);
    return dead;
}

/* The program may change its directory, and a debugger is in another one. */
static char *absolute(const char *path)
{
    char *directory = *path == '/' ? NULL : getcwd(NULL, 0), *full;

    if (!directory)
        return strdup(path);
    if (asprintf(&full, "%s/%s", strcmp(directory, "/") ? directory : "", path) < 0)
        full = NULL;
    free(directory);
    return full;
}

static int open_unix(struct gdb_endpoint *e, const char *path, struct hl_error *error)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;

    if (!*path || strlen(path) >= sizeof(a.sun_path))
        return gdb_fail(error, HL_ERR_ARGUMENT, 0, "socket path too long or empty: '%s'", path);
    memcpy(a.sun_path, path, strlen(path) + 1);
    if (stale(&a))
        unlink(path);
    e->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (e->listener < 0)
        return gdb_fail(error, HL_ERR_SYSTEM, errno, "cannot make a socket");
    /* The mode of the inode that bind() creates: other users cannot connect at any time. */
    if (fchmod(e->listener, 0600))
        return gdb_fail(error, HL_ERR_SYSTEM, errno, "cannot set the socket's mode");
    if (bind(e->listener, (struct sockaddr *)&a, sizeof(a)))
        return gdb_fail(error, errno == EADDRINUSE ? HL_ERR_STATE : HL_ERR_SYSTEM, errno,
                        "cannot make the socket %s", path);
    e->path = absolute(path);
    if (!e->path || lstat(path, &st)) {
        unlink(path);
        return gdb_fail(error, HL_ERR_MEMORY, 0, "out of memory");
    }
    e->device = st.st_dev;
    e->inode = st.st_ino;
    if (chmod(path, 0600) || listen(e->listener, 8))
        return gdb_fail(error, HL_ERR_SYSTEM, errno, "cannot listen on %s", path);
    /* A longer path cannot be the address of a socket. */
    if (strlen(e->path) < sizeof(a.sun_path))
        path = e->path;
    snprintf(e->remote, sizeof(e->remote), "%s", path);
    snprintf(e->text, sizeof(e->text), "unix:%.250s", path);
    return 0;
}

int gdb_endpoint_open(struct gdb_endpoint *e, const char *endpoint,
                      const struct hl_gdb_config *config, struct hl_error *error)
{
    int rc;

    memset(e, 0, sizeof(*e));
    e->listener = -1;
    e->in = config->fds ? config->fd_in : STDIN_FILENO;
    e->out = config->fds ? config->fd_out : STDOUT_FILENO;
    if (!strcmp(endpoint, "stdio")) {
        snprintf(e->text, sizeof(e->text), "stdio");
        return 0;
    }
    if (!strncmp(endpoint, "tcp:", 4))
        rc = open_tcp(e, endpoint + 4, config->anywhere, error);
    else if (!strncmp(endpoint, "unix:", 5))
        rc = open_unix(e, endpoint + 5, error);
    else
        rc = gdb_fail(error, HL_ERR_ARGUMENT, 0,
                      "bad endpoint '%s': stdio, unix:PATH or tcp:[HOST:]PORT", endpoint);
    if (rc)
        gdb_endpoint_close(e);
    return rc;
}

void gdb_endpoint_forget(struct gdb_endpoint *e)
{
    free(e->path);
    e->path = NULL;
    if (e->listener >= 0)
        close(e->listener);
    e->listener = -1;
}

void gdb_endpoint_close(struct gdb_endpoint *e)
{
    struct stat st;

    if (e->path && !lstat(e->path, &st) && st.st_dev == e->device && st.st_ino == e->inode)
        unlink(e->path);
    /* A child may have a copy: this ends that one, too, and frees the port. */
    if (e->listener >= 0)
        shutdown(e->listener, SHUT_RDWR);
    gdb_endpoint_forget(e);
}
