/* SPDX-License-Identifier: Apache-2.0 */
/* test_server.c - sockets: endpoints, two clients, clients that vanish, stall or say nothing. */
#include "server_kit.h"

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
    third = dial(); /* a silent client is refused as well, after a while */
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

/* A client that reconnects is not a second client, however late its end is noticed. */
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

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, serve, unserve)
#define U(test) cmocka_unit_test_setup_teardown(test, only_fake, no_fake)
    const struct CMUnitTest tests[] = {
        T(two_clients),          T(back_at_once),
        T(vanish_at_every_byte), T(client_that_does_not_read),
        T(silent_client),        T(break_in),
        T(private_socket),       U(bad_endpoints),
        U(no_abstract_socket),
    };
    return cmocka_run_group_tests_name("server", tests, start, end);
}
