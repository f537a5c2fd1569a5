/* SPDX-License-Identifier: Apache-2.0 */
/* common/full_io.h: reads and writes that come in pieces, end early, or are interrupted. */
#include "kit.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "full_io.h"

#define PIECES 5
#define PIECE 3000

static atomic_int signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal}; /* without SA_RESTART */
    signals = 0;
    assert_int_equal(sigaction(SIGUSR1, &action, NULL), 0);
}

/* The thread waits in the kernel: all that this one waits for is its read or write. */
static bool sleeps(pid_t thread)
{
    char path[64], state = 0;
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
    fclose(f);
    return state == 'S';
}

struct other {
    int fd;
    pid_t thread; /* the one under test */
    size_t total;
};

static void interrupt(const struct other *o)
{
    int before = signals;
    while (!sleeps(o->thread))
        sched_yield();
    assert_int_equal(syscall(SYS_tgkill, getpid(), o->thread, SIGUSR1), 0);
    while (signals == before)
        sched_yield();
}

static void *write_pieces(void *opaque)
{
    const struct other *o = opaque;
    char piece[PIECE];
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i, sizeof(piece));
        interrupt(o);
        assert_int_equal(write(o->fd, piece, sizeof(piece)), sizeof(piece));
    }
    close(o->fd);
    return NULL;
}

static void test_pieces(void **state)
{
    char all[PIECES * PIECE + 100];
    int fds[2];
    pthread_t thread;
    (void)state;
    catch_signals();
    assert_int_equal(pipe2(fds, O_CLOEXEC | O_DIRECT), 0); /* a read gets what one write was */
    struct other o = {fds[1], (pid_t)syscall(SYS_gettid), 0};
    assert_int_equal(pthread_create(&thread, NULL, write_pieces, &o), 0);
    assert_int_equal(read_full(fds[0], all, sizeof(all)), PIECES * PIECE);
    assert_int_equal(errno, 0); /* the end, not an error */
    for (int i = 0; i < PIECES; i++)
        assert_int_equal(all[i * PIECE + PIECE - 1], 'a' + i);
    pthread_join(thread, NULL);
    assert_int_equal(signals, PIECES);
    close(fds[0]);
}

/* Once the pipe is full the write is interrupted, and has written as much as that. */
static void *read_slowly(void *opaque)
{
    struct other *o = opaque;
    char piece[1000];
    interrupt(o);
    for (ssize_t n; (n = read(o->fd, piece, sizeof(piece))) > 0;)
        o->total += (size_t)n;
    return NULL;
}

static void test_large_write(void **state)
{
    enum { SIZE = 1 << 20 };
    char *data = calloc(1, SIZE);
    int fds[2];
    pthread_t thread;
    (void)state;
    catch_signals();
    assert_non_null(data);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    struct other o = {fds[0], (pid_t)syscall(SYS_gettid), 0};
    assert_int_equal(pthread_create(&thread, NULL, read_slowly, &o), 0);
    assert_true(write_full(fds[1], data, SIZE));
    close(fds[1]);
    pthread_join(thread, NULL);
    assert_int_equal(o.total, SIZE);
    assert_int_equal(signals, 1);
    close(fds[0]);
    free(data);
}

static void test_offsets(void **state)
{
    char name[] = "/tmp/hl-io.XXXXXX", back[16] = "";
    int fd = mkstemp(name);
    (void)state;
    assert_true(fd >= 0);
    unlink(name);
    assert_true(pwrite_full(fd, "world", 5, 6));
    assert_true(pwrite_full(fd, "hello ", 6, 0));
    assert_int_equal(pread_full(fd, back, sizeof(back), 0), 11);
    assert_int_equal(errno, 0);
    assert_string_equal(back, "hello world");
    assert_int_equal(pread_full(fd, back, 5, 6), 5);
    assert_memory_equal(back, "world", 5);
    assert_int_equal(pread_full(fd, back, 5, 100), 0);
    assert_int_equal(errno, 0);
    close(fd);
}

static void test_failures(void **state)
{
    char byte = 0;
    int fds[2];
    (void)state;
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(read_full(fds[1], &byte, 1), 0);
    assert_int_equal(errno, EBADF);
    assert_false(write_full(fds[0], "x", 1));
    assert_int_equal(errno, EBADF);
    assert_int_equal(pread_full(fds[0], &byte, 1, 0), 0);
    assert_int_equal(errno, ESPIPE);
    assert_false(pwrite_full(fds[1], "x", 1, 0));
    assert_int_equal(errno, ESPIPE);
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_false(write_full(full, "x", 1));
    assert_int_equal(errno, ENOSPC);
    assert_true(write_full(full, "", 0));
    close(full);
    close(fds[0]);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_large_write),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
