/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server/server.c - the thread that moves bytes between a client and the session.
 *
 * It sleeps in one poll() over the listener, the client, the target's events and its own eventfd,
 * and never blocks anywhere else: not on a client that does not read, nor on the guest.
 */
#include "server.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536
#define WRITE_PLAIN 4096 /* PIPE_BUF: a pipe that polls writable takes so much without blocking */

static void wake(struct hl_gdb *g)
{
    const uint64_t one = 1;

    (void)!write(g->session.console.wake, &one, sizeof(one));
}

static void set_attached(struct hl_gdb *g)
{
    bool now = g->session.state != GDB_FREE;

    if (now != g->attached)
        g->attached = now;
}

static void drop_client(struct hl_gdb *g)
{
    bool spoke = g->session.spoken || g->endpoint.listener < 0;

    gdb_session_end(&g->session);
    if (g->endpoint.listener >= 0)
        gdb_client_close(g);
    else /* no other one can come: a guest that waits for its first debugger need not */
        g->session.target->ops->detach(g->session.target->self);
    g->in = g->out = -1;
    set_attached(g);
    if (!spoke)
        return;
    pthread_mutex_lock(&g->lock);
    g->gone = true;
    pthread_cond_broadcast(&g->changed);
    pthread_mutex_unlock(&g->lock);
}

static void read_client(struct hl_gdb *g)
{
    ssize_t n = read(g->in, g->buffer, READ_SIZE);

    if (n > 0)
        gdb_session_input(&g->session, g->buffer, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        drop_client(g);
}

/* A socket never blocks with MSG_DONTWAIT; anything else takes a small piece after poll(). */
static ssize_t write_some(int fd, const uint8_t *data, size_t size, bool polled)
{
    ssize_t n = send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n >= 0 || errno != ENOTSOCK)
        return n;
    if (polled)
        return write(fd, data, size < WRITE_PLAIN ? size : WRITE_PLAIN);
    errno = EAGAIN;
    return -1;
}

static void write_client(struct hl_gdb *g, bool polled)
{
    struct gdb_buf *out = &g->session.out;
    size_t done = 0;

    while (g->out >= 0 && done < out->size) {
        ssize_t n = write_some(g->out, out->data + done, out->size - done, polled);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            drop_client(g);
            return;
        }
        if (n <= 0)
            break;
        done += (size_t)n;
        polled = false;
    }
    gdb_buf_drop(out, done);
    if (g->out >= 0 && !out->size && g->session.closing)
        drop_client(g);
}

/* Gone, though what it said last may not have been read yet. */
static bool has_hung_up(int fd)
{
    struct pollfd p = {fd, POLLRDHUP, 0};

    return poll(&p, 1, 0) == 1;
}

/* GDB that reconnects at once (`disconnect`, `target remote`) is not a second debugger. */
static void accept_client(struct hl_gdb *g)
{
    if (g->in >= 0 && has_hung_up(g->in))
        return; /* its end is dealt with first; the new one waits until then */

    int fd = gdb_client_accept(g), on = 1, idle = 60, count = 3;
    const char *refusal;

    if (fd < 0)
        return;
    refusal = g->endpoint.tcp ? gdb_peer_refusal(fd) : NULL;
    /* A client that has sent nothing gives way to a new one. */
    if (!refusal && g->in >= 0 && !g->session.spoken && gdb_now_ms() - g->since > HL_GDB_MUTE_MS)
        drop_client(g);
    if (!refusal && g->in >= 0)
        refusal = "another debugger is attached";
    if (refusal) {
        gdb_refuse_add(&g->refused, fd, refusal);
        g->coming = -1;
        return;
    }
    if (g->endpoint.tcp) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
    }
    gdb_client_take(g);
    g->since = gdb_now_ms();
}

enum { WAKE, EVENT, LISTEN, IN, OUT, FIXED };

static void prepare(struct hl_gdb *g, struct pollfd *fds)
{
    struct gdb_session *s = &g->session;
    bool reading = g->in >= 0 && !s->closing && s->out.size <= GDB_OUT_HIGH;
    bool writing = g->out >= 0 && s->out.size;

    fds[WAKE] = (struct pollfd){s->console.wake, POLLIN, 0};
    fds[EVENT] = (struct pollfd){g->event_fd, POLLIN, 0};
    fds[LISTEN] = (struct pollfd){g->endpoint.listener, POLLIN, 0};
    /* A client we do not read from now is still watched for its end. */
    fds[IN] = (struct pollfd){g->in, reading ? POLLIN : POLLRDHUP, 0};
    fds[OUT] = (struct pollfd){writing ? g->out : -1, POLLOUT, 0};
}

static void serve_client(struct hl_gdb *g, const struct pollfd *fds)
{
    if (g->in >= 0 && (fds[IN].revents & POLLIN)) {
        read_client(g);
    } else if (g->in >= 0 && (fds[IN].revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))) {
        drop_client(g);
    }
    if (g->out >= 0)
        write_client(g, fds[OUT].revents & POLLOUT);
    else if (fds[IN].fd < 0 && fds[OUT].fd >= 0)
        drop_client(g);
}

/* Does not wait for a client that does not read its goodbye. */
static int linger(struct hl_gdb *g)
{
    int64_t now = gdb_now_ms();

    if (g->in < 0 || !g->session.closing) {
        g->closing = 0;
        return -1;
    }
    gdb_let_go(&g->session);
    if (!g->closing)
        g->closing = now + HL_GDB_REFUSE_MS;
    if (now < g->closing)
        return (int)(g->closing - now);
    drop_client(g);
    return -1;
}

/*
 * GDB gives up on the first answer after two seconds, and Ctrl-C then means to give up as well: a
 * guest that is not where it was to stop by then is shown where it is.
 */
static int hasten(struct hl_gdb *g)
{
    int64_t now = gdb_now_ms();

    if (g->session.state != GDB_STARTING) {
        g->hasten = 0;
        return -1;
    }
    if (!g->hasten)
        g->hasten = now + HL_GDB_PATIENCE_MS;
    if (now < g->hasten)
        return (int)(g->hasten - now);
    if (g->hasten != INT64_MAX)
        g->session.target->ops->interrupt(g->session.target->self);
    g->hasten = INT64_MAX;
    return -1;
}

static int earlier(int a, int b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int timeout(struct hl_gdb *g)
{
    return earlier(earlier(linger(g), hasten(g)), gdb_refuse_timeout(&g->refused));
}

static void *serve(void *opaque)
{
    struct hl_gdb *g = opaque;
    struct pollfd fds[FIXED + HL_GDB_REFUSED];
    uint64_t count;

    while (!g->quit) {
        int wait = timeout(g);
        prepare(g, fds);
        size_t more = gdb_refuse_prepare(&g->refused, fds + FIXED);
        if (poll(fds, FIXED + more, wait) < 0 && errno != EINTR)
            break;
        if (fds[WAKE].revents && read(fds[WAKE].fd, &count, sizeof(count)) > 0)
            gdb_session_console(&g->session);
        if (fds[EVENT].revents)
            gdb_session_event(&g->session);
        serve_client(g, fds);
        set_attached(g);
        gdb_refuse_serve(&g->refused, fds + FIXED, more);
        if (fds[LISTEN].revents)
            accept_client(g);
    }
    if (g->in >= 0)
        drop_client(g);
    gdb_refuse_free(&g->refused);
    return NULL;
}

static int start_thread(struct hl_gdb *g, struct hl_error *error)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&g->thread, NULL, serve, g);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return rc ? gdb_fail(error, HL_ERR_SYSTEM, rc, "cannot start a thread") : 0;
}

/* Of struct hl_gdb_config in 0.1.0 (hl/sized.h); it never changes. */
#define CONFIG_SIZE 24

int hl_gdb_create(struct hl_gdb **gdb, const struct gdb_target *target, const char *endpoint,
                  const struct hl_gdb_config *config, struct hl_error *error)
{
    struct hl_gdb_config own;
    const char *wrong = hl_sized_read(&own, sizeof(own), CONFIG_SIZE, config);
    struct hl_gdb *g;
    int rc;

    *gdb = NULL;
    if (wrong)
        return gdb_fail(error, HL_ERR_ARGUMENT, 0, "struct hl_gdb_config: %s", wrong);
    g = calloc(1, sizeof(*g));
    if (!g)
        return gdb_fail(error, HL_ERR_MEMORY, 0, "out of memory");
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    rc = gdb_endpoint_open(&g->endpoint, endpoint, &own, error);
    if (rc)
        goto no_endpoint;
    rc = gdb_session_init(&g->session, target);
    if (rc) {
        gdb_fail(error, rc, 0, "the target cannot be debugged");
        goto no_session;
    }
    g->session.console.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    g->process = getpid();
    g->event_fd = target->ops->event_fd(target->self);
    g->in = g->endpoint.listener < 0 ? g->endpoint.in : -1;
    g->out = g->endpoint.listener < 0 ? g->endpoint.out : -1;
    g->coming = -1;
    gdb_copies_add(g);
    rc = g->session.console.wake < 0
             ? gdb_fail(error, HL_ERR_SYSTEM, errno, "cannot make an eventfd")
             : start_thread(g, error);
    if (!rc) {
        *gdb = g;
        return 0;
    }
    gdb_copies_remove(g);
    if (g->session.console.wake >= 0)
        close(g->session.console.wake);
    gdb_session_free(&g->session);
no_session:
    gdb_endpoint_close(&g->endpoint);
no_endpoint:
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    free(g);
    return rc;
}

/*
 * In a child of fork(), or of a clone() that server/copies.c does not see: the sockets and the
 * debugger are the parent's.  Closes the sockets without a shutdown.
 */
static void forget_copy(struct hl_gdb *g)
{
    int fd = g->session.console.wake;

    if (g->in >= 0 && g->endpoint.listener >= 0)
        close(g->in);
    gdb_copies_remove(g);
    gdb_endpoint_forget(&g->endpoint);
    gdb_refuse_free(&g->refused);
    gdb_session_forget(&g->session);
    close(fd);
    free(g);
}

void hl_gdb_destroy(struct hl_gdb *g)
{
    int fd;

    if (!g)
        return;
    if (g->process != getpid()) {
        forget_copy(g);
        return;
    }
    fd = g->session.console.wake;
    g->quit = true;
    wake(g);
    pthread_join(g->thread, NULL);
    gdb_copies_remove(g);
    gdb_endpoint_close(&g->endpoint);
    gdb_session_free(&g->session); /* unbinds: no hook writes to the eventfd after it */
    close(fd);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

const char *hl_gdb_endpoint(const struct hl_gdb *g)
{
    return g->endpoint.text;
}

const char *hl_gdb_remote(const struct hl_gdb *g)
{
    return g->endpoint.remote;
}

bool hl_gdb_attached(const struct hl_gdb *g)
{
    return g->attached;
}
