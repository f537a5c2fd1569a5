/* SPDX-License-Identifier: Apache-2.0 */
/* The server beside children of the host program, and over other endpoints than a private socket.
 */
#include "server_kit.h"

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
    assert_string_equal(reply, "E.cannot determine which user this client belongs to");
    close(fd);
    hl_gdb_destroy(g);
    assert_int_equal(fake.attaches, 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, serve, unserve)
#define U(test) cmocka_unit_test_setup_teardown(test, only_fake, no_fake)
    const struct CMUnitTest tests[] = {
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
