/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c - sockets: endpoints, two clients, clients that vanish, stall or say nothing. */
#include "../wait.h"
#include "kit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hl/gdb.h>

static struct fake fake;
static struct hl_gdb *gdb;
static char directory[] = "/tmp/hl-gdb-test.XXXXXX";
static char path[64], endpoint[80];

static int start(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/sock", directory);
    snprintf(endpoint, sizeof(endpoint), "unix:%s", path);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int serve(void **state)
{
    (void)state;
    if (fake_init(&fake))
        return -1;
    return hl_gdb_create(&gdb, &fake.target, endpoint, NULL, NULL);
}

static int unserve(void **state)
{
    struct stat st;

    (void)state;
    hl_gdb_destroy(gdb);
    fake_free(&fake);
    return stat(path, &st) ? 0 : -1;
}

static int dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static void put(int fd, const void *data, size_t size)
{
    assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

/* The next reply's body, from its own buffer; false at the end of the connection. */
static bool get(int fd, char *body, size_t room)
{
    uint8_t data[65536];
    size_t size = 0, at = 0;

    for (;;) {
        ssize_t n = read(fd, data + size, 1);
        if (n <= 0)
            return false;
        size++;
        if (size >= 4 && data[size - 3] == '#') {
            assert_true(unframe(data, size, &at, body, room) >= 0);
            return true;
        }
    }
}

static void send_packet(int fd, const char *body)
{
    char frame[4096];
    unsigned sum = 0;

    for (const char *c = body; *c; c++)
        sum += (uint8_t)*c;
    put(fd, frame, (size_t)snprintf(frame, sizeof(frame), "$%s#%02x", body, sum & 0xff));
}

static void expect_packet(int fd, const char *body, const char *want)
{
    char reply[65536];

    send_packet(fd, body);
    assert_true(get(fd, reply, sizeof(reply)));
    assert_memory_equal(reply, want, strlen(want));
}

/* Read under the target's lock, until it is as wanted. */
static void until(const unsigned *counter, unsigned want)
{
    unsigned now = 0;

    for (struct wait wait = {0}; now < want;) {
        pthread_mutex_lock(&fake.lock);
        now = *counter;
        pthread_mutex_unlock(&fake.lock);
        if (now < want && !wait_nap(&wait))
            break;
    }
    assert_int_equal(now, want);
}

static void two_clients(void **state)
{
    char reply[256];
    int first = dial(), second, third;

    (void)state;
    expect_packet(first, "?", "T05");
    second = dial();
    send_packet(second, "qSupported:x+");
    assert_true(get(second, reply, sizeof(reply)));
    assert_string_equal(reply, "E.another debugger is attached");
    assert_false(get(second, reply, sizeof(reply)));
    close(second);
    third = dial(); /* a silent one is told as well, in time */
    assert_true(get(third, reply, sizeof(reply)));
    assert_false(get(third, reply, sizeof(reply)));
    close(third);
    expect_packet(first, "qAttached", "1");
    assert_true(hl_gdb_attached(gdb));
    close(first);
    until(&fake.detaches, 1);
    first = dial();
    expect_packet(first, "?", "T05");
    expect_packet(first, "D", "OK");
    assert_false(get(first, reply, sizeof(reply)));
    close(first);
    assert_int_equal(hl_gdb_wait_gone(gdb, 5000), 0);
    until(&fake.detaches, 2);
}

/* A client that goes and comes again is none beside itself, however late its end is noticed. */
static void back_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 300; i++) {
        int fd = dial();
        expect_packet(fd, "?", "T05");
        send_packet(fd, "qAttached"); /* not yet read when the next one dials */
        put(fd, "+++", 3);
        close(fd);
    }
}

/* Whatever was said when the client vanishes, the guest is let go and the next client served. */
static void vanish_at_every_byte(void **state)
{
    static const char talk[] = "+$qSupported:multiprocess+;swbreak+#1b$QStartNoAckMode#b0"
                               "$?#3f$Z0,10000,1;X3,220127#24$vCont;c#a8\003"
                               "$m10000,40#ee$X10000,2:}\003"
                               "a#c2"
                               "$qXfer:features:read:target.xml:0,fff#7d$k#6b";
    unsigned detaches = 0;

    (void)state;
    for (size_t n = 0; n < sizeof(talk); n++) {
        int fd = dial();
        bool attached = n > 2 && memchr(talk, '#', n - 2); /* a whole packet */
        put(fd, talk, n);
        close(fd);
        detaches += attached;
        /* the next one proves that the last is gone */
        for (int i = 0;; i++) {
            char reply[4096] = "";
            assert_true(i < 2000);
            fd = dial();
            send_packet(fd, "?");
            assert_true(get(fd, reply, sizeof(reply)));
            close(fd);
            if (reply[0] == 'T')
                break;
        }
        detaches++;
    }
    until(&fake.detaches, detaches);
    assert_int_equal(fake.attaches, detaches);
    assert_int_equal(fake.point_count, 0);
}

/* A client that asks and never reads costs bounded memory, and no one waits for it. */
static void client_that_does_not_read(void **state)
{
    char block[2048] = "";
    int fd = dial();

    (void)state;
    expect_packet(fd, "?", "T05");
    for (int i = 0; i < 100; i++)
        strcat(block, "$m21000,8000#54");
    for (int i = 0; i < 10000; i++)
        if (send(fd, block, strlen(block), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
            break;
    /* destroy, in the teardown, must not hang; nor must the guest's console */
    for (int i = 0; i < 10000; i++)
        fake.hooks.console(fake.hooks.opaque, block, 1024);
    hl_gdb_destroy(gdb);
    gdb = NULL;
    assert_int_equal(fake.detaches, 1);
    close(fd);
    assert_int_equal(hl_gdb_create(&gdb, &fake.target, endpoint, NULL, NULL), 0);
}

static void silent_client(void **state)
{
    char reply[256];
    int fd = dial(), second = dial();

    (void)state;
    send_packet(second, "?"); /* it is refused, so the first one was seen */
    assert_true(get(second, reply, sizeof(reply)));
    assert_string_equal(reply, "E.another debugger is attached");
    close(second);
    assert_int_equal(fake.attaches, 0);
    assert_false(hl_gdb_attached(gdb));
    hl_gdb_destroy(gdb);
    close(fd);
    assert_int_equal(hl_gdb_create(&gdb, &fake.target, endpoint, NULL, NULL), 0);
    fd = dial();
    expect_packet(fd, "?", "T05"); /* and one that attaches and then says nothing */
    send_packet(fd, "vCont;c");
    until(&fake.resumes, 1);
    hl_gdb_destroy(gdb);
    gdb = NULL;
    assert_int_equal(fake.detaches, 1);
    close(fd);
    assert_int_equal(hl_gdb_create(&gdb, &fake.target, endpoint, NULL, NULL), 0);
}

static void break_in(void **state)
{
    char reply[4096];
    int fd = dial();

    (void)state;
    expect_packet(fd, "?", "T05");
    for (int i = 0; i < 200; i++) {
        send_packet(fd, "vCont;c");
        put(fd, "\003", 1);
        assert_true(get(fd, reply, sizeof(reply)));
        assert_memory_equal(reply, "T02", 3);
    }
    close(fd);
}

static void private_socket(void **state)
{
    struct hl_error error = {0};
    struct hl_gdb *other;
    struct stat st;
    int fd;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(hl_gdb_create(&other, &fake.target, endpoint, NULL, &error), HL_ERR_STATE);
    assert_int_equal(stat(path, &st), 0);
    hl_gdb_destroy(gdb);
    fd = open(path, O_CREAT | O_WRONLY, 0600); /* somebody's file */
    close(fd);
    assert_int_equal(hl_gdb_create(&gdb, &fake.target, endpoint, NULL, &error), HL_ERR_STATE);
    unlink(path);
    {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        memcpy(a.sun_path, path, strlen(path) + 1);
        fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
        close(fd); /* stale */
    }
    assert_int_equal(hl_gdb_create(&gdb, &fake.target, endpoint, NULL, &error), 0);
    assert_string_equal(hl_gdb_endpoint(gdb), endpoint);
    assert_string_equal(hl_gdb_remote(gdb), path);
}

static void bad_endpoints(void **state)
{
    static const char *const bad[] = {"",
                                      "tcp",
                                      "tcp:",
                                      "tcp:x",
                                      "tcp:65536",
                                      "tcp:1x",
                                      "unix:",
                                      "tcp:0.0.0.0:0",
                                      "tcp:[::]:0",
                                      "tcp:8.8.8.8:1",
                                      "tcp:name:1",
                                      "http://x",
                                      "tcp:[::ffff:0.0.0.0]:0",
                                      "tcp:0:0",
                                      "vsock:1:2"};
    struct hl_error error;
    struct hl_gdb *g;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(hl_gdb_create(&g, &fake.target, bad[i], NULL, &error), HL_ERR_ARGUMENT);
        assert_true(error.text[0]);
        assert_null(g);
    }
    hl_gdb_destroy(NULL);
}

static int dial_tcp(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* The same by an IPv6 socket, which the kernel lists elsewhere. */
static int dial_mapped(unsigned port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET6, "::ffff:127.0.0.1", &a.sin6_addr);
    if (fd >= 0)
        assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

/* A name that begins with '@' is a file's: an abstract socket would have no owner. */
static void no_abstract_socket(void **state)
{
    char before[4096];
    struct hl_gdb *g;
    struct stat st;

    (void)state;
    assert_non_null(getcwd(before, sizeof(before)));
    assert_int_equal(chdir(directory), 0);
    assert_int_equal(hl_gdb_create(&g, &fake.target, "unix:@name", NULL, NULL), 0);
    assert_int_equal(lstat("@name", &st), 0);
    assert_int_equal(st.st_mode, S_IFSOCK | 0600);
    hl_gdb_destroy(g);
    assert_int_equal(lstat("@name", &st), -1);
    assert_int_equal(chdir(before), 0);
}

static void tcp(void **state)
{
    struct hl_gdb_config config = {.anywhere = true};
    struct hl_gdb *g, *h;
    struct hl_error error;
    char name[64];
    unsigned port;
    int fd;

    (void)state;
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0", NULL, &error), 0);
    assert_int_equal(sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", &port), 1);
    fd = dial_tcp(port);
    expect_packet(fd, "?", "T05");
    snprintf(name, sizeof(name), "tcp:%u", port);
    assert_int_equal(hl_gdb_create(&h, &fake.target, name, NULL, &error), HL_ERR_STATE);
    hl_gdb_destroy(g);
    close(fd);
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0.0.0.0:0", &config, &error), 0);
    hl_gdb_destroy(g);
}

/* A connection that begins as no debugger's does is closed, and what it holds is not obeyed. */
static void other_protocols(void **state)
{
    static const char *const first[] = {
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 6\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02", /* TLS */
        "SSH-2.0-x\r\n",
        "\r\n",
        "+\n",
        "-POST",
        "\x03\r\n",
    };
    char reply[64];
    struct hl_gdb *g;
    unsigned port;

    (void)state;
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0", NULL, NULL), 0);
    assert_int_equal(sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", &port), 1);
    for (size_t i = 0; i < sizeof(first) / sizeof(*first); i++) {
        int fd = dial_tcp(port);
        char text[256];
        int n = snprintf(text, sizeof(text), "%s$?#3f$k#6b", first[i]);
        put(fd, text, (size_t)n);
        assert_false(get(fd, reply, sizeof(reply)));
        close(fd);
    }
    assert_int_equal(hl_gdb_wait_gone(g, 0), HL_ERR_INTERRUPTED); /* none of them was a debugger */
    int fd = dial_tcp(port);
    put(fd, "+", 1); /* as GDB begins */
    expect_packet(fd, "?", "T05");
    assert_int_equal(fake.attaches, 1);
    hl_gdb_destroy(g);
    assert_int_equal(fake.kills, 0);
    close(fd);
}

static void tcp_users(void **state)
{
    struct hl_gdb *g;
    unsigned port;
    int fd, status;

    (void)state;
    if (geteuid()) {
        print_message("# skip: only root can be another user, too\n");
        skip();
    }
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0", NULL, NULL), 0);
    assert_int_equal(sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", &port), 1);
    for (int i = 0; i < 2; i++) {
        pid_t pid = fork();
        if (!pid) {
            char reply[256];
            if (setresuid(65534, 65534, 65534))
                _exit(2);
            fd = i ? dial_mapped(port) : dial_tcp(port);
            if (fd < 0)
                _exit(0); /* no IPv6 here */
            send_packet(fd, "k");
            _exit(!get(fd, reply, sizeof(reply)) ||
                  strcmp(reply, "E.this guest is another user's"));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }
    assert_int_equal(fake.attaches, 0);
    fd = dial_mapped(port);
    if (fd >= 0) {
        expect_packet(fd, "?", "T05");
        send_packet(fd, "D");
        close(fd);
        assert_int_equal(hl_gdb_wait_gone(g, 5000), 0);
    }
    fd = dial_tcp(port);
    expect_packet(fd, "?", "T05");
    hl_gdb_destroy(g);
    assert_int_equal(fake.kills, 0);
    close(fd);
}

static void stdio(void **state)
{
    struct hl_gdb_config config = {.fds = true};
    int to[2], from[2], pair[2];
    struct hl_gdb *g;

    (void)state;
    assert_int_equal(pipe(to) | pipe(from), 0);
    config.fd_in = to[0];
    config.fd_out = from[1];
    assert_int_equal(hl_gdb_create(&g, &fake.target, "stdio", &config, NULL), 0);
    assert_int_equal(write(to[1], "$?#3f", 5), 5);
    {
        char reply[512];
        assert_true(get(from[0], reply, sizeof(reply)));
        assert_memory_equal(reply, "T05", 3);
    }
    close(to[1]);
    assert_int_equal(hl_gdb_wait_gone(g, 5000), 0);
    hl_gdb_destroy(g);
    close(to[0]), close(from[0]), close(from[1]);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    config.fd_in = config.fd_out = pair[0];
    assert_int_equal(hl_gdb_create(&g, &fake.target, "stdio", &config, NULL), 0);
    expect_packet(pair[1], "?", "T05");
    assert_int_equal(hl_gdb_wait_gone(g, 10), HL_ERR_INTERRUPTED);
    hl_gdb_destroy(g);
    close(pair[0]), close(pair[1]);
}

/* ---- children of the host program ---- */

/*
 * A host program that serves `where` and has a child that lives on, for as long as *leash is open.
 * The program's pid, its port in *port.
 */
static pid_t program_with_child(const char *where, unsigned *port, int *leash)
{
    int from[2], held[2];
    pid_t program;

    assert_int_equal(pipe(from), 0);
    assert_int_equal(pipe(held), 0);
    fflush(stdout);
    program = fork();
    if (!program) {
        struct hl_gdb *g;
        char text[128] = "";
        int client = -1;
        close(held[1]);
        alarm(60);
        if (hl_gdb_create(&g, &fake.target, where, NULL, NULL))
            _exit(1);
        sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", port);
        client = *port ? dial_tcp(*port) : dial();
        expect_packet(client, "?", "T05");
        close(client);
        if (hl_gdb_wait_gone(g, 10000))
            _exit(2);
        client = *port ? dial_tcp(*port) : dial(); /* there is one when it forks */
        expect_packet(client, "?", "T05");
        snprintf(text, sizeof(text), "%u\n", *port);
        if (!fork()) { /* ... and has let go of what it inherited when fork() returns to it */
            (void)!write(from[1], text, sizeof(text));
            _exit((int)read(held[0], text, 1));
        }
        pause();
    }
    char text[128];
    close(from[1]), close(held[0]);
    assert_int_equal(read(from[0], text, sizeof(text)), sizeof(text));
    *port = (unsigned)atoi(text);
    close(from[0]);
    *leash = held[1];
    return program;
}

/* The port and the path are free when the program is dead, whatever child of it lives on. */
static void killed_with_child(void **state)
{
    const char *const where[] = {"tcp:0", endpoint};
    struct hl_error error;
    struct hl_gdb *g;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        unsigned port = 0;
        char name[80];
        int leash;
        pid_t program = program_with_child(where[i], &port, &leash);
        struct pollfd child = {leash, POLLOUT, 0};
        snprintf(name, sizeof(name), "tcp:%u", port);
        kill(program, SIGKILL);
        assert_int_equal(waitpid(program, NULL, 0), program);
        assert_int_equal(poll(&child, 1, 0), 1);
        assert_int_equal(child.revents, POLLOUT); /* not POLLERR: the child is there to read */
        if (hl_gdb_create(&g, &fake.target, i ? endpoint : name, NULL, &error))
            fail_msg("%s", error.text);
        hl_gdb_destroy(g);
        close(leash);
    }
}

/* A client hears of the program's end at once: no child holds its connection. */
static void child_holds_no_client(void **state)
{
    char byte;
    int fd = dial();
    pid_t child;

    (void)state;
    expect_packet(fd, "?", "T05");
    fflush(stdout);
    child = fork();
    if (!child) {
        alarm(60);
        pause();
        _exit(0);
    }
    send_packet(fd, "k"); /* after which the server hangs up */
    struct pollfd p = {fd, POLLIN, 0};
    do
        assert_int_equal(poll(&p, 1, 10000), 1);
    while (read(fd, &byte, 1) > 0);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(fd);
}

static bool connects(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

    close(fd);
    return yes;
}

/* A child of a bare clone() is not noticed: what the program closes is shut down for it, too. */
static void bare_clone(void **state)
{
    char name[32];
    struct hl_error error;
    struct hl_gdb *g;
    unsigned port;
    pid_t child;

    (void)state;
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0", NULL, &error), 0);
    assert_int_equal(sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", &port), 1);
    fflush(stdout);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (!child) {
        syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            syscall(SYS_pause);
    }
    assert_true(connects(port));
    hl_gdb_destroy(g);
    assert_false(connects(port));
    snprintf(name, sizeof(name), "tcp:%u", port);
    assert_int_equal(hl_gdb_create(&g, &fake.target, name, NULL, &error), 0);
    hl_gdb_destroy(g);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

/* With no descriptor to ask whose the client is, nobody is let in. */
static void user_not_known(void **state)
{
    struct rlimit before, limit;
    char reply[256];
    struct hl_gdb *g;
    unsigned port;
    int fd, next;

    (void)state;
    assert_int_equal(hl_gdb_create(&g, &fake.target, "tcp:0", NULL, NULL), 0);
    assert_int_equal(sscanf(hl_gdb_endpoint(g), "tcp:127.0.0.1:%u", &port), 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    next = dup(fd);
    close(next);
    limit = before;
    limit.rlim_cur = (rlim_t)next + 1; /* one, for the connection itself */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    send_packet(fd, "?");
    bool answered = get(fd, reply, sizeof(reply));
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(answered);
    assert_string_equal(reply, "E.whose client this is cannot be found out");
    close(fd);
    hl_gdb_destroy(g);
    assert_int_equal(fake.attaches, 0);
}

static int only_fake(void **state)
{
    (void)state;
    return fake_init(&fake);
}

static int no_fake(void **state)
{
    (void)state;
    fake_free(&fake);
    return 0;
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, serve, unserve)
#define U(test) cmocka_unit_test_setup_teardown(test, only_fake, no_fake)
    const struct CMUnitTest tests[] = {
        T(two_clients),
        T(back_at_once),
        T(vanish_at_every_byte),
        T(client_that_does_not_read),
        T(silent_client),
        T(break_in),
        T(private_socket),
        U(bad_endpoints),
        U(no_abstract_socket),
        U(tcp),
        U(other_protocols),
        U(tcp_users),
        U(user_not_known),
        U(killed_with_child),
        T(child_holds_no_client),
        U(bare_clone),
        U(stdio),
    };
    return cmocka_run_group_tests_name("server", tests, start, end);
}
