/* SPDX-License-Identifier: Apache-2.0 */
/* fork(): a child destroys its copies, and its parent does not notice. */
#include "box.h"
#include "files.h"
#include "child.h"
#include "thread.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <hl/attach.h>
#include <hl/core.h>
#include <hl/debug.h>
#include <hl/profile.h>
#include <hl/share.h>
#include <hl/snapshot.h>

#include "registry.h"

/* 0 where the function is true in the child, which then ends without cleaning up. */
static int in_child(bool (*check)(struct box *box), struct box *box)
{
    pid_t child = child_fork();
    if (child == 0) {
        alarm(20 * slow());
        _exit(!check(box));
    }
    return child_wait(child);
}

static struct hl_snapshot *snapshot;
static struct hl_profile *profile;

static void open_all(struct box *box)
{
    const struct hl_limits limits = {.wall_ns = 60000000000, .cpu_ns = 60000000000};
    const struct hl_profile_config samples = {.rate_hz = 1000};
    box_create(box, "conformance", (struct hl_sandbox_config){.shared = 1 << 20});
    box_register(box, "HostAdd", "i32(i32, i32)", kit_host_add, NULL);
    assert_int_equal(hl_sandbox_debug(box->sb, NULL, NULL, &box->error), 0);
    box_start(box);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    assert_int_equal(hl_sandbox_limit(box->sb, &limits, &box->error), 0);
    assert_int_equal(hl_profile_create(&profile, box->image, &samples, &box->error), 0);
    assert_int_equal(hl_profile_attach(profile, box->sb, &box->error), 0);
    assert_int_equal(CALL(box, "Add", value_i32(40), value_i32(2))->i32, 42);
}

static void close_all(struct box *box)
{
    box_close(box);
    hl_snapshot_destroy(snapshot);
    hl_profile_destroy(profile);
}

static void expect_untouched(struct box *box)
{
    struct hl_attachable *list;
    size_t count;
    assert_int_equal(access(hl_sandbox_debug_remote(box->sb), F_OK), 0);
    assert_int_equal(hl_attachable_list(&list, &count, &box->error), 0);
    assert_int_equal(count, 1);
    assert_int_equal(list[0].pid, getpid());
    assert_int_equal(list[0].state, HL_ATTACHABLE_IDLE);
    hl_attachable_free(list);
    assert_int_equal(CALL(box, "Add", value_i32(40), value_i32(2))->i32, 42);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
}

static bool destroys(struct box *box)
{
    hl_sandbox_destroy(box->sb);
    hl_snapshot_destroy(snapshot);
    hl_profile_destroy(profile);
    hl_image_close(box->image);
    return true;
}

static void test_destroy(void **state)
{
    open_all(*state);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(in_child(destroys, *state), 0);
        expect_untouched(*state);
    }
    close_all(*state);
}

static bool refused(struct box *box, int rc)
{
    return rc == HL_ERR_STATE && strstr(box->error.text, "fork()") && box->error.hint[0];
}

static bool is_refused(struct box *box)
{
    struct hl_snapshot *s;
    struct hl_sandbox *sb = box->sb;
    struct hl_error *e = &box->error;
    hl_gva_t at = 0;
    hl_sandbox_interrupt(sb);
    return refused(box, hl_sandbox_call(sb, "NoOp", NULL, 0, NULL, e)) &&
           refused(box, hl_sandbox_start(sb, e)) && refused(box, hl_sandbox_main(sb, NULL, e)) &&
           refused(box, hl_sandbox_restore(sb, snapshot, e)) &&
           refused(box, hl_snapshot_take(&s, sb, e)) &&
           refused(box, hl_sandbox_core(sb, "/nonexistent/core", e)) &&
           refused(box, hl_sandbox_limit(sb, NULL, e)) &&
           refused(box, hl_sandbox_debug(sb, NULL, NULL, e)) &&
           refused(box, hl_profile_detach(profile, sb, e)) &&
           refused(box, hl_sandbox_map_buffer(sb, &at, "text", 4, HL_MAP_READ, e)) &&
           !hl_sandbox_debug_attached(sb) && hl_sandbox_debug_wait_gone(sb, -1) == 0 &&
           hl_sandbox_debug_finish(sb, 0) == 0 && hl_sandbox_debug_wish(sb) == HL_DEBUG_NOTHING;
}

static void test_other_calls(void **state)
{
    open_all(*state);
    assert_int_equal(in_child(is_refused, *state), 0);
    expect_untouched(*state);
    close_all(*state);
}

/* A server forks workers that each make their own. */
static bool makes_its_own(struct box *box)
{
    struct hl_sandbox *sb = NULL;
    struct hl_error *e = &box->error;
    const struct hl_value args[] = {value_i32(1), value_i32(2)};
    struct hl_value result = {0};
    const struct hl_limits limits = {.wall_ns = 60000000000};
    bool fine = hl_sandbox_create_from(&sb, snapshot, NULL, e) == 0 &&
                hl_sandbox_register(sb, "HostAdd", "i32(i32, i32)", kit_host_add, NULL, e) == 0 &&
                hl_sandbox_limit(sb, &limits, e) == 0 && hl_sandbox_debug(sb, NULL, NULL, e) == 0 &&
                hl_sandbox_start(sb, e) == 0 &&
                hl_sandbox_call(sb, "Add", args, 2, &result, e) == 0 && result.i32 == 3;
    hl_sandbox_destroy(sb);
    return fine && destroys(box);
}

static void test_child_with_its_own(void **state)
{
    SKIP_IF(UNDER_TSAN, "the sanitizer wants no thread in a child");
    open_all(*state);
    assert_int_equal(in_child(makes_its_own, *state), 0);
    expect_untouched(*state);
    close_all(*state);
}

/* The child returns into the call that its parent made. */
static int host_forks(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    pid_t *child = opaque;
    fflush(stdout);
    *child = fork();
    return kit_host_add(opaque, args, count, result, error);
}

static void test_fork_in_a_host_function(void **state)
{
    struct box *box = *state;
    pid_t child = -1;
    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostAdd", "i32(i32, i32)", host_forks, &child);
    assert_int_equal(hl_sandbox_debug(box->sb, NULL, NULL, &box->error), 0);
    box_start(box);
    int rc = TRY(box, "Add", value_i32(40), value_i32(2));
    if (child == 0) {
        bool fine = refused(box, rc);
        hl_sandbox_destroy(box->sb);
        _exit(!fine);
    }
    assert_int_equal(rc, 0);
    assert_int_equal(box->result.i32, 42);
    child_fine(child);
    assert_int_equal(access(hl_sandbox_debug_remote(box->sb), F_OK), 0);
}

/* ---- a debugger's connections ---- */

static int dial(unsigned port)
{
    const struct sockaddr_in to = {.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Everything up to the end of the connection, which must come; the length. */
static size_t read_to_the_end(int fd)
{
    char data[4096];
    struct pollfd p = {fd, POLLIN, 0};
    size_t size = 0;
    for (;;) {
        assert_int_equal(poll(&p, 1, 10000 * (int)slow()), 1);
        ssize_t n = read(fd, data, sizeof(data));
        if (n <= 0)
            return size;
        size += (size_t)n;
    }
}

/* A child that lives on has all of them, and the port.  They end all the same. */
static void test_child_does_not_keep_connections(void **state)
{
    struct box *box = *state;
    unsigned port;
    char endpoint[32];
    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    assert_int_equal(hl_sandbox_debug(box->sb, "tcp:0", NULL, &box->error), 0);
    assert_int_equal(sscanf(hl_sandbox_debug_remote(box->sb), "127.0.0.1:%u", &port), 1);
    box_start(box);
    int first = dial(port);
    assert_int_equal(write(first, "$?#3f", 5), 5);
    char reply[1];
    assert_int_equal(read(first, reply, 1), 1); /* it is accepted */
    int second = dial(port);
    struct pollfd refused = {second, POLLIN, 0};
    assert_int_equal(poll(&refused, 1, 10000 * (int)slow()), 1);
    pid_t child = child_fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(60 * slow());
        close(first);
        close(second);
        for (;;)
            pause();
    }
    assert_true(read_to_the_end(second) > 0);
    assert_int_equal(write(first, "+$D#44", 6), 6);
    assert_true(read_to_the_end(first) > 0);
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    assert_int_equal(dial(port), -1);
    snprintf(endpoint, sizeof(endpoint), "tcp:%u", port);
    box_create(box, "conformance", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    if (hl_sandbox_debug(box->sb, endpoint, NULL, &box->error))
        fail_msg("%s", box->error.text);
    close(first);
    close(second);
    kill(child, SIGKILL);
    child_wait(child);
}

/* ---- locks ---- */

static atomic_bool stop;

static void *make_and_destroy(void *opaque)
{
    struct box *box = opaque;
    while (!atomic_load(&stop)) {
        struct hl_sandbox *sb;
        if (hl_sandbox_create(&sb, box->image, NULL, NULL) == 0)
            hl_sandbox_destroy(sb);
    }
    return NULL;
}

/* While others make sandboxes that can be debugged, children make theirs, and destroy all. */
static bool makes_one(struct box *box)
{
    struct hl_sandbox *sb;
    if (hl_sandbox_create(&sb, box->image, NULL, &box->error))
        return false;
    hl_sandbox_destroy(sb);
    hl_sandbox_destroy(box->sb);
    return true;
}

static void test_forks_at_any_time(void **state)
{
    struct box *box = *state;
    pthread_t thread[2];
    int bad = 0;
    SKIP_IF(UNDER_ASAN, "the sanitizer may fork with its own allocator locked");
    SKIP_IF(UNDER_TSAN, "the sanitizer wants no thread in a child");
    setenv("HL_GDB", "auto", 1);
    box_open(box, "conformance");
    atomic_store(&stop, false);
    for (size_t i = 0; i < COUNT(thread); i++)
        thread_begin(&thread[i], make_and_destroy, box);
    for (int i = 0; i < 100 && !bad; i++)
        bad = in_child(makes_one, box);
    atomic_store(&stop, true);
    for (size_t i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    unsetenv("HL_GDB");
    assert_int_equal(bad, 0);
}

/* A child that was made while the lock was held lives on: it does not keep it. */
static void test_child_does_not_keep_the_lock(void **state)
{
    struct box *box = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    int lock = registry_lock();
    assert_true(lock >= 0);
    pid_t child = child_fork();
    if (child == 0) {
        (void)!write(ready[1], "x", 1);
        pause();
        _exit(0);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(lock); /* as when this process is killed, which unlocks nothing */
    char path[REGISTRY_PATH];
    int fd = registry_open(path, &box->error);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    close(fd);
    registry_unlock(-1);
    kill(child, SIGKILL);
    child_wait(child);
    close(ready[0]);
    close(ready[1]);
}

/* A process that is stopped with the lock in hand stops nobody else. */
static void test_lock_is_not_waited_for_without_end(void **state)
{
    struct box *box = *state;
    char path[REGISTRY_PATH];
    int fd = registry_open(path, &box->error);
    assert_true(fd >= 0 && flock(fd, LOCK_EX) == 0);
    setenv("HL_GDB", "auto", 1);
    box_open(box, "conformance");
    unsetenv("HL_GDB");
    assert_int_equal(access(hl_sandbox_debug_remote(box->sb), F_OK), 0);
    close(fd);
}

/* ---- the first fork of a program, while a thread of it makes its first sandbox ---- */

static struct hl_image *plain;
static atomic_bool begun;

static bool makes_a_sandbox(void)
{
    struct hl_sandbox *sb = NULL;
    bool made = hl_sandbox_create(&sb, plain, NULL, NULL) == 0;
    hl_sandbox_destroy(sb);
    return made;
}

static void *make_first(void *made)
{
    begun = true;
    *(bool *)made = makes_a_sandbox();
    return NULL;
}

/* 0: parent and child each have one. */
static int fork_first(unsigned turns)
{
    pthread_t thread;
    bool made = false;
    int status = -1;
    if (hl_image_open(&plain, TEST_BUILD "/tests/guest/plain", NULL) ||
        pthread_create(&thread, NULL, make_first, &made))
        return 2;
    while (!begun)
        ;
    for (volatile unsigned i = 0; i < turns; i++)
        ;
    pid_t child = child_fork();
    if (child == 0)
        _exit(!makes_a_sandbox());
    waitpid(child, &status, 0);
    pthread_join(thread, NULL);
    return !made || status;
}

static void test_first_fork(void **state)
{
    char turns[16];
    (void)state;
    SKIP_IF(UNDER_TSAN, "the sanitizer may fork with its own allocator locked");
    for (unsigned i = 0; i < 300; i++) {
        int status = -1;
        snprintf(turns, sizeof(turns), "%u", i % 100 * 200);
        pid_t program = child_fork();
        if (program == 0) {
            execl("/proc/self/exe", "test_fork", "first", turns, (char *)NULL);
            _exit(3);
        }
        status = child_wait(program);
        if (status)
            fail_msg("%s turns: status 0x%x", turns, (unsigned)status);
    }
}

int main(int argc, char **argv)
{
    watchdog(100);
    if (argc == 3 && strcmp(argv[1], "first") == 0)
        return fork_first((unsigned)strtoul(argv[2], NULL, 10));
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_destroy),
        BOX_TEST(test_other_calls),
        BOX_TEST(test_child_with_its_own),
        BOX_TEST(test_fork_in_a_host_function),
        BOX_TEST(test_child_does_not_keep_connections),
        BOX_TEST(test_forks_at_any_time),
        BOX_TEST(test_child_does_not_keep_the_lock),
        BOX_TEST(test_lock_is_not_waited_for_without_end),
        cmocka_unit_test(test_first_fork),
    };
    return cmocka_run_group_tests(tests, runtime_setup, runtime_teardown);
}
