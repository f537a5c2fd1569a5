/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host program with limits, signals, threads and memory of its own: what libhl does there must
 * neither end it nor depend on it.
 */
#include "box.h"
#include "files.h"
#include "child.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <hl/core.h>
#include <hl/debug.h>
#include <hl/share.h>
#include <hl/snapshot.h>
#include <hl/symbols.h>

#define MAPPINGS 4000
#define KIB ((size_t)1 << 10)
/* What sanitizers put on the stack is not ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROOM (256 * KIB)
#else
#define ROOM 0
#endif

static const struct hl_sandbox_config plain = HL_SANDBOX_CONFIG_INIT;

/* ---- signals */

static void tick(int signal_number)
{
    (void)signal_number;
}

static timer_t start_ticks(long ns)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGVTALRM};
    const struct itimerspec each = {{0, ns}, {0, ns}};
    timer_t timer;
    assert_int_equal(sigaction(SIGVTALRM, &action, NULL), 0);
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &each, NULL), 0);
    return timer;
}

static int abilities(const struct hl_debug_abilities *can)
{
    return can->step_exit | can->break_exit << 1 | can->hw_break << 2 | can->hw_watch << 3;
}

/* Every second page of it: neighbours with other rights are mappings of their own. */
static uint8_t *many_mappings(void)
{
    uint8_t *at = mmap(NULL, MAPPINGS * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(at != MAP_FAILED);
    for (size_t i = 0; i < MAPPINGS; i += 2)
        assert_int_equal(mprotect(at + i * 4096, 4096, PROT_READ | PROT_WRITE), 0);
    return at;
}

/* KVM_CREATE_VM takes longer than from one tick to the next: it has to end nevertheless. */
static void test_create_between_ticks(void **state)
{
    struct box *box = *state;
    uint8_t *mappings = many_mappings();
    timer_t timer = start_ticks(200000);
    for (int i = 0; i < 20; i++) {
        box_create(box, "rewind", plain);
        hl_sandbox_destroy(box->sb);
        box->sb = NULL;
    }
    timer_delete(timer);
    munmap(mappings, MAPPINGS * 4096);
}

/* What it finds is kept as long as the process lives, so each try is made in one of its own. */
static void test_probe_between_ticks(void **state)
{
    struct hl_debug_abilities can;
    struct hl_error error;
    int status;
    (void)state;
    for (int i = 0; i < 60; i++) {
        pid_t pid = child_fork();
        if (pid == 0) {
            start_ticks(50000);
            _exit(hl_debug_probe(&can, &error) ? 255 : abilities(&can));
        }
        status = child_wait(pid);
        assert_true(WIFEXITED(status));
        if (i == 0)
            assert_int_equal(hl_debug_probe(&can, &error), 0);
        assert_int_equal(WEXITSTATUS(status), abilities(&can));
    }
}

static void test_handler_on_the_alternate_stack(void **state)
{
    struct box *box = *state;
    struct sigaction action;
    box_open(box, "rewind");
    assert_int_equal(sigaction(hl_kick_signal(), NULL, &action), 0);
    assert_true(action.sa_flags & SA_ONSTACK);
}

/* ---- RLIMIT_FSIZE */

static void limit(int which, rlim_t most)
{
    struct rlimit r;
    assert_int_equal(getrlimit(which, &r), 0);
    r.rlim_cur = most;
    assert_int_equal(setrlimit(which, &r), 0);
}

static void limit_files(rlim_t size)
{
    limit(RLIMIT_FSIZE, size);
}

static void no_signal_waits(void)
{
    sigset_t set;
    assert_int_equal(sigpending(&set), 0);
    assert_false(sigismember(&set, SIGXFSZ));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
    assert_false(sigismember(&set, SIGXFSZ));
}

/* A snapshot is no file: it is taken, restored and cloned as ever. */
static void snapshot_under(struct box *box, int which, rlim_t most)
{
    struct rlimit was;
    struct hl_snapshot *s = NULL;
    struct box clone = {0};
    assert_int_equal(getrlimit(which, &was), 0);
    box_open(box, "rewind");
    CALL0(box, "Count");
    limit(which, most);
    int rc = hl_snapshot_take(&s, box->sb, &box->error);
    limit(which, was.rlim_cur);
    assert_int_equal(rc, 0);
    no_signal_waits();
    int32_t second = CALL0(box, "Count")->i32;
    assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
    assert_int_equal(CALL0(box, "Count")->i32, second);
    assert_int_equal(hl_sandbox_create_from(&clone.sb, s, &plain, &clone.error), 0);
    box_start(&clone);
    assert_int_equal(CALL0(&clone, "Count")->i32, second);
    hl_sandbox_destroy(clone.sb);
    hl_snapshot_destroy(s);
}

static void test_snapshot_beyond_the_file_limit(void **state)
{
    snapshot_under(*state, RLIMIT_FSIZE, 4096);
}

static void test_snapshot_without_descriptors(void **state)
{
    snapshot_under(*state, RLIMIT_NOFILE, 0);
}

static void check_too_large(const char *path, int rc, const struct hl_error *error)
{
    struct stat st;
    assert_int_not_equal(rc, 0);
    check_error(error, rc);
    assert_int_equal(error->sys_errno, EFBIG);
    assert_non_null(strstr(error->text, strerror(EFBIG)));
    assert_true(!path || stat(path, &st));
    no_signal_waits();
}

static void test_files_beyond_the_limit(void **state)
{
    static const uint8_t data[64 << 10];
    struct box *box = *state;
    struct hl_sandbox_config config = HL_SANDBOX_CONFIG_INIT;
    struct scratch scratch;
    char path[64];
    struct hl_snapshot *s;
    struct hl_error error = {0};
    hl_gva_t gva = 0;
    scratch_make(&scratch);
    scratch_path(&scratch, path, sizeof(path), "file");
    config.shared = 1 << 20;
    box_create(box, "rewind", config);
    box_start(box);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    for (rlim_t size = 0; size <= 8192; size += 8192) {
        limit_files(size);
        int rc = hl_snapshot_save(s, path, &error);
        limit_files(RLIM_INFINITY);
        check_too_large(path, rc, &error);
        limit_files(size);
        rc = hl_sandbox_core(box->sb, path, &error);
        limit_files(RLIM_INFINITY);
        check_too_large(path, rc, &error);
        limit_files(size);
        rc = hl_sandbox_map_buffer(box->sb, &gva, data, sizeof(data), 0, &error);
        limit_files(RLIM_INFINITY);
        check_too_large(NULL, rc, &error);
    }
    hl_snapshot_destroy(s);
    scratch_remove(&scratch);
}

/* A signal of the program's own that waits is not taken from it. */
static void test_own_file_signal_stays(void **state)
{
    struct box *box = *state;
    struct hl_snapshot *s;
    sigset_t set, before;
    int number = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    box_open(box, "rewind");
    pthread_sigmask(SIG_BLOCK, &set, &before);
    raise(SIGXFSZ);
    limit_files(4096);
    int rc = hl_snapshot_take(&s, box->sb, &box->error);
    limit_files(RLIM_INFINITY);
    assert_int_equal(rc, 0);
    assert_int_equal(sigpending(&set), 0);
    assert_true(sigismember(&set, SIGXFSZ));
    sigemptyset(&set);
    sigaddset(&set, SIGXFSZ);
    assert_int_equal(sigwait(&set, &number), 0);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    hl_snapshot_destroy(s);
}

/* ---- small stacks */

static void on_stack(size_t size, void *(*work)(void *), struct box *box)
{
    pthread_attr_t attr;
    pthread_t thread;
    void *failed = box;
    pthread_attr_init(&attr);
    assert_int_equal(pthread_attr_setstacksize(&attr, size + ROOM), 0);
    assert_int_equal(pthread_create(&thread, &attr, work, box), 0);
    pthread_join(thread, &failed);
    pthread_attr_destroy(&attr);
    assert_null(failed);
}

static void *live(void *opaque)
{
    struct box *box = opaque;
    struct hl_snapshot *s = NULL;
    struct hl_sandbox *sb = NULL, *clone = NULL;
    int rc = hl_sandbox_create(&sb, box->image, NULL, NULL);
    if (!rc)
        rc = hl_sandbox_start(sb, NULL);
    if (!rc)
        rc = hl_sandbox_call(sb, "Count", NULL, 0, &box->result, &box->error);
    if (!rc)
        rc = hl_snapshot_take(&s, sb, &box->error);
    if (!rc)
        rc = hl_sandbox_restore(sb, s, &box->error);
    if (!rc)
        rc = hl_sandbox_create_from(&clone, s, NULL, &box->error);
    if (!rc)
        rc = hl_sandbox_core(sb, "/dev/null", &box->error);
    hl_sandbox_destroy(clone);
    hl_snapshot_destroy(s);
    hl_sandbox_destroy(sb);
    return rc ? box : NULL;
}

static void *look(void *opaque)
{
    struct box *box = opaque;
    struct hl_symbols *symbols;
    struct hl_location place;
    if (hl_symbols_open(&symbols, box->image, &box->error))
        return box;
    bool found = hl_symbols_find(symbols, hl_image_entry(box->image), &place);
    hl_symbols_close(symbols);
    return found ? NULL : box;
}

/* The sizes that hl/sandbox.h and hl/symbols.h promise. */
static void test_small_stacks(void **state)
{
    struct box *box = *state;
    box_open(box, "rewind");
    on_stack(32 * KIB, live, box);
    on_stack(256 * KIB, look, box);
}

/* ---- mlockall() */

static size_t resident(void)
{
    unsigned long total = 0, there = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%lu %lu", &total, &there), 2);
    fclose(f);
    return there * 4096;
}

/* A guest's memory is 64 MiB; it is not to be there before anyone touches it. */
static void test_locked_memory(void **state)
{
    struct box *box = *state, clone = {0};
    struct hl_snapshot *s;
    box_open(box, "rewind");
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    if (mlockall(MCL_FUTURE)) {
        print_message("# mlockall: %s\n", strerror(errno));
        skip();
    }
    size_t before = resident();
    box_open(box, "rewind");
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    assert_int_equal(hl_sandbox_create_from(&clone.sb, s, &plain, &clone.error), 0);
    box_start(&clone);
    CALL0(&clone, "Count");
    assert_int_equal(hl_sandbox_restore(clone.sb, s, &clone.error), 0);
    size_t after = resident();
    munlockall();
    assert_true(after - before < (8 << 20));
    hl_sandbox_destroy(clone.sb);
    hl_snapshot_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_create_between_ticks),
        cmocka_unit_test(test_probe_between_ticks),
        BOX_TEST(test_handler_on_the_alternate_stack),
        BOX_TEST(test_snapshot_beyond_the_file_limit),
        BOX_TEST(test_snapshot_without_descriptors),
        BOX_TEST(test_files_beyond_the_limit),
        BOX_TEST(test_own_file_signal_stays),
        BOX_TEST(test_small_stacks),
        BOX_TEST(test_locked_memory),
    };

    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
