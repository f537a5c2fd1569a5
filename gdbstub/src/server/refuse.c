/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/refuse.c - a client that cannot be served learns why, without disturbing another.
 *
 * GDB reads an error only as the answer to a packet, so the answer waits for one.  The connection
 * is then closed by the client, or after a while by us: closing at once, with bytes unread, would
 * make TCP throw away what we said.
 */
#include "server.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

int64_t gdb_now_ms(void)
{
    return (int64_t)(clock_now() / 1000000);
}

static void remove_one(struct gdb_refused *r, size_t i)
{
    shutdown(r->one[i].fd, SHUT_RDWR); /* a child of fork() may have a copy */
    close(r->one[i].fd);
    r->one[i] = r->one[--r->count];
}

void gdb_refuse_add(struct gdb_refused *r, int fd, const char *why)
{
    if (r->count == HL_GDB_REFUSED)
        remove_one(r, 0);
    r->one[r->count].fd = fd;
    r->one[r->count].why = why;
    r->one[r->count].answered = false;
    r->one[r->count++].until = gdb_now_ms() + HL_GDB_REFUSE_MS;
}

size_t gdb_refuse_prepare(const struct gdb_refused *r, struct pollfd *fds)
{
    for (size_t i = 0; i < r->count; i++)
        fds[i] = (struct pollfd){r->one[i].fd, POLLIN, 0};
    return r->count;
}

int gdb_refuse_timeout(const struct gdb_refused *r)
{
    int64_t now = gdb_now_ms(), least = -1;

    for (size_t i = 0; i < r->count; i++) {
        int64_t left = r->one[i].until > now ? r->one[i].until - now : 0;
        if (least < 0 || left < least)
            least = left;
    }
    return (int)least;
}

static void send_refusal(struct gdb_refused *r, size_t i)
{
    struct gdb_buf out = {.max = 256};
    char text[128];
    int n = snprintf(text, sizeof(text), "E.%s", r->one[i].why);

    if (r->one[i].answered)
        return;
    gdb_buf_byte(&out, '+');
    gdb_encode(&out, text, (size_t)n);
    (void)!send(r->one[i].fd, out.data, out.size, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown(r->one[i].fd, SHUT_WR);
    gdb_buf_free(&out);
    r->one[i].answered = true;
}

void gdb_refuse_serve(struct gdb_refused *r, const struct pollfd *fds, size_t count)
{
    int64_t now = gdb_now_ms();
    char waste[512];

    /* From the last: removing one moves the last into its place. */
    for (size_t i = count; i-- > 0;) {
        bool end = now >= r->one[i].until;
        if (fds[i].revents) {
            ssize_t n = recv(r->one[i].fd, waste, sizeof(waste), MSG_DONTWAIT);
            end |= n == 0;
            if (n > 0 && memchr(waste, '#', (size_t)n))
                send_refusal(r, i);
        }
        if (end) {
            send_refusal(r, i);
            remove_one(r, i);
        }
    }
}

void gdb_refuse_free(struct gdb_refused *r)
{
    while (r->count)
        remove_one(r, r->count - 1);
}
