/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debugger.c - what GDB says on its connection, as far as a visit needs it.  Answers that are
 * compared have no run of four equal digits in them, so none comes shortened.
 */
#include "storm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct visit {
    struct worker *w;
    int fd;
    char reply[4096];
};

static void put(struct visit *v, const void *data, size_t size)
{
    ssize_t n;
    do
        n = send(v->fd, data, size, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    CHECK(v->w, n == (ssize_t)size, "the debugger cannot send: %s", strerror(errno));
}

static char next_byte(struct visit *v)
{
    char c = 0;
    ssize_t n;
    do
        n = read(v->fd, &c, 1);
    while (n < 0 && errno == EINTR);
    CHECK(v->w, n == 1, "the debugger was hung up on: %s", n ? strerror(errno) : "end");
    return c;
}

/* The next packet's body; acknowledged. */
static const char *answer(struct visit *v)
{
    size_t n = 0;
    char c;
    while (next_byte(v) != '$')
        ;
    while ((c = next_byte(v)) != '#')
        if (n < sizeof(v->reply) - 1)
            v->reply[n++] = c;
    v->reply[n] = 0;
    next_byte(v);
    next_byte(v);
    (void)!send(v->fd, "+", 1, MSG_NOSIGNAL); /* after `D` nobody is there for it */
    return v->reply;
}

static void say(struct visit *v, const char *body)
{
    char packet[256];
    unsigned sum = 0;
    for (const char *c = body; *c; c++)
        sum += (unsigned char)*c;
    int n = snprintf(packet, sizeof(packet), "$%s#%02x", body, sum & 0xff);
    put(v, packet, (size_t)n);
}

/* The answer begins so. */
static void ask(struct visit *v, const char *body, const char *expected)
{
    say(v, body);
    const char *reply = answer(v);
    CHECK(v->w, strncmp(reply, expected, strlen(expected)) == 0, "%s: %.200s, not %s", body, reply,
          expected);
}

static void dial(struct visit *v, const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int rc;
    CHECK(v->w, strlen(path) < sizeof(to.sun_path), "no endpoint: %s", path);
    memcpy(to.sun_path, path, strlen(path) + 1);
    v->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(v->w, v->fd >= 0, "no socket: %s", strerror(errno));
    do
        rc = connect(v->fd, (const struct sockaddr *)&to, sizeof(to));
    while (rc && errno == EINTR);
    CHECK(v->w, rc == 0, "%s: %s", path, strerror(errno));
}

/* The code is the guest's own, whether a breakpoint is there or not. */
static void look_at_code(struct visit *v)
{
    char question[64], code[16];
    snprintf(question, sizeof(question), "m%llx,4", (unsigned long long)storm.function);
    snprintf(code, sizeof(code), "%02x%02x%02x%02x", storm.code[0], storm.code[1], storm.code[2],
             storm.code[3]);
    ask(v, question, code);
}

static void stop_in_the_function(struct visit *v)
{
    char point[64];
    snprintf(point, sizeof(point), "Z0,%llx,1", (unsigned long long)storm.function);
    ask(v, point, "OK");
    ask(v, "vCont;c", "T05");
    CHECK(v->w, strstr(v->reply, "swbreak"), "it stopped for something else: %s", v->reply);
    look_at_code(v);
    ask(v, "g", "");
    point[0] = 'z';
    ask(v, point, "OK");
}

void debugger_visits(struct worker *w, const char *path, enum debug_end end)
{
    struct visit v = {.w = w};
    dial(&v, path);
    ask(&v, "qSupported:swbreak+;hwbreak+", "");
    ask(&v, "?", "T");
    look_at_code(&v);
    stop_in_the_function(&v);
    if (end == END_BREAK_IN) {
        say(&v, "vCont;c");
        put(&v, "\003", 1);
        CHECK(w, strncmp(answer(&v), "T02", 3) == 0, "after a break-in: %s", v.reply);
    }
    if (end != END_CLOSE)
        ask(&v, "D", "OK");
    shutdown(v.fd, SHUT_RDWR); /* a child of fork() has it, too */
    close(v.fd);
}
