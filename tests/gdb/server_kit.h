/* SPDX-License-Identifier: Apache-2.0 */
/* server_kit.h - a server with a fake target, and clients of it. */
#ifndef SERVER_KIT_H
#define SERVER_KIT_H

#include "../kit/wait.h"
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

static inline int start(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof(path), "%s/sock", directory);
    snprintf(endpoint, sizeof(endpoint), "unix:%s", path);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    return rmdir(directory);
}

static inline int serve(void **state)
{
    (void)state;
    if (fake_init(&fake))
        return -1;
    return hl_gdb_create(&gdb, &fake.target, endpoint, NULL, NULL);
}

static inline int unserve(void **state)
{
    struct stat st;

    (void)state;
    hl_gdb_destroy(gdb);
    fake_free(&fake);
    return stat(path, &st) ? 0 : -1;
}

static inline int dial(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(a.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void put(int fd, const void *data, size_t size)
{
    assert_int_equal(send(fd, data, size, MSG_NOSIGNAL), size);
}

/* The next reply's body, from its own buffer; false at the end of the connection. */
static inline bool get(int fd, char *body, size_t room)
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

static inline void send_packet(int fd, const char *body)
{
    char frame[4096];
    unsigned sum = 0;

    for (const char *c = body; *c; c++)
        sum += (uint8_t)*c;
    put(fd, frame, (size_t)snprintf(frame, sizeof(frame), "$%s#%02x", body, sum & 0xff));
}

static inline void expect_packet(int fd, const char *body, const char *want)
{
    char reply[65536];

    send_packet(fd, body);
    assert_true(get(fd, reply, sizeof(reply)));
    assert_memory_equal(reply, want, strlen(want));
}

static inline int dial_tcp(unsigned port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

static inline void tcp(void **state)
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

static inline int only_fake(void **state)
{
    (void)state;
    return fake_init(&fake);
}

static inline int no_fake(void **state)
{
    (void)state;
    fake_free(&fake);
    return 0;
}

#endif
