/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of many sandboxes, after a fork, and under a debugger. */
#include "limits.h"

/* ---- many of them --------------------------------------------------------------------------- */

struct runner {
    struct box box;
    struct host host;
    uint64_t ms;
    bool cpu, blocks, fine;
};

static void *run_into_limit(void *opaque)
{
    struct runner *r = opaque;
    sigset_t every;
    sigfillset(&every);
    if (r->blocks)
        pthread_sigmask(SIG_SETMASK, &every, NULL);
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    int rc = hl_sandbox_call(r->box.sb, "Spin", NULL, 0, NULL, &r->box.error);
    r->fine = rc == HL_ERR_INTERRUPTED && clock_ns(CLOCK_MONOTONIC) - begin >= r->ms * MS &&
              hl_sandbox_limit_hit(r->box.sb) == (r->cpu ? HL_LIMIT_CPU : HL_LIMIT_WALL);
    return NULL;
}

static unsigned threads(void)
{
    unsigned n = 0;
    DIR *d = opendir("/proc/self/task");
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void *end_at_once(void *opaque)
{
    return opaque;
}

/* Made here, run there, some of them in threads that block every signal. */
static void test_many_at_once(void **state)
{
    enum { N = 16 };
    static struct runner r[N];
    pthread_t thread[N];
    (void)state;
    thread_begin(&thread[0], end_at_once, NULL); /* ThreadSanitizer starts one of its own */
    assert_int_equal(pthread_join(thread[0], NULL), 0);
    unsigned before = threads();
    memset(r, 0, sizeof(r));
    for (unsigned i = 0; i < N; i++) {
        open_limits(&r[i].box, &r[i].host);
        r[i].ms = 5 + i * 7 % 40;
        r[i].cpu = i % 3 == 1;
        r[i].blocks = i % 2;
        limit(&r[i].box, r[i].cpu ? (struct hl_limits){.cpu_ns = r[i].ms * MS}
                                  : (struct hl_limits){.wall_ns = r[i].ms * MS});
    }
    for (unsigned i = 0; i < N; i++)
        thread_begin(&thread[i], run_into_limit, &r[i]);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_true(r[i].fine);
        box_close(&r[i].box);
    }
    WAIT_WHILE(threads() > before + 1); /* the one that keeps time; others end after their join */
    assert_true(threads() >= before);
}

/* The child of a fork has no such thread, and a machine of its own only. */
static void test_after_a_fork(void **state)
{
    struct box *box = *state;
    struct host h;
#ifdef __SANITIZE_THREAD__
    print_message("# ThreadSanitizer starts no threads after a fork\n");
    skip();
#endif
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 5 * MS});
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    pid_t child = child_fork();
    if (child == 0) {
        struct box other = {0};
        watchdog(60);
        hl_sandbox_destroy(box->sb);
        open_limits(&other, &h);
        limit(&other, (struct hl_limits){.wall_ns = 5 * MS});
        int rc = hl_sandbox_call(other.sb, "Spin", NULL, 0, NULL, NULL);
        box_close(&other);
        _exit(rc == HL_ERR_INTERRUPTED ? 0 : 1);
    }
    assert_true(child > 0);
    child_fine(child);
}

/* ---- a debugger ----------------------------------------------------------------------------- */

static char socket_path[108];

static void serve(struct box *box)
{
    char endpoint[128];
    snprintf(socket_path, sizeof(socket_path), "/tmp/hl-limit-%d.sock", (int)getpid());
    snprintf(endpoint, sizeof(endpoint), "unix:%s", socket_path);
    if (hl_sandbox_debug(box->sb, endpoint, NULL, &box->error))
        fail_msg("%s", box->error.text);
}

/* GDB, as far as it takes to stop a guest: connecting and asking why it stands. */
static int attach(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    memcpy(address.sun_path, socket_path, sizeof(socket_path));
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void ask(int fd, const char *packet, char *reply, size_t size)
{
    char text[32];
    uint8_t sum = 0;
    size_t at = 0;
    for (const char *p = packet; *p; p++)
        sum = (uint8_t)(sum + (uint8_t)*p);
    int n = snprintf(text, sizeof(text), "$%s#%02x", packet, sum);
    assert_int_equal(send(fd, text, (size_t)n, MSG_NOSIGNAL), n);
    while (at + 1 < size && read(fd, reply + at, 1) == 1) {
        at++;
        if (at >= 3 && reply[at - 3] == '#')
            break;
    }
    reply[at] = 0;
    (void)!send(fd, "+", 1, MSG_NOSIGNAL); /* after a detach it may be gone */
}

struct caller {
    struct box *box;
    const char *function;
    int rc;
    atomic_bool done;
};

static void *call_it(void *opaque)
{
    struct caller *c = opaque;
    c->rc = hl_sandbox_call(c->box->sb, c->function, NULL, 0, NULL, &c->box->error);
    atomic_store(&c->done, true);
    return NULL;
}

/* A guest that spins, and a debugger that holds it. */
static int hold(struct box *box, struct host *h, struct caller *c, pthread_t *thread)
{
    char reply[256];
    *c = (struct caller){.box = box, .function = "AskAndSpin"};
    thread_begin(thread, call_it, c);
    WAIT_FOR(atomic_load(&h->inside));
    int fd = attach();
    ask(fd, "?", reply, sizeof(reply));
    assert_non_null(strchr(reply, '$'));
    return fd;
}

static void test_a_debugger_stops_the_clocks(void **state)
{
    struct box *box = *state;
    struct host h;
    struct caller c;
    pthread_t thread;
    char reply[256];
    open_limits(box, &h);
    serve(box);
    limit(box, (struct hl_limits){.wall_ns = 200 * MS * slow(), .cpu_ns = 150 * MS * slow()});
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    int fd = hold(box, &h, &c, &thread);
    outlast(500 * MS * slow());
    assert_false(atomic_load(&c.done));
    ask(fd, "D", reply, sizeof(reply));
    pthread_join(thread, NULL);
    close(fd);
    assert_true(clock_ns(CLOCK_MONOTONIC) - begin >= 600 * MS * slow());
    assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
    assert_int_not_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
}

/* One that comes later finds the guest where the limit ended it. */
static void test_a_debugger_after_a_limit(void **state)
{
    struct box *box = *state;
    struct host h;
    char reply[4096];
    open_limits(box, &h);
    serve(box);
    limit(box, (struct hl_limits){.cpu_ns = 20 * MS});
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_CPU);
    int fd = attach();
    ask(fd, "?", reply, sizeof(reply));
    assert_non_null(strstr(reply, "$T"));
    ask(fd, "g", reply, sizeof(reply));
    assert_true(strlen(reply) > 200);
    close(fd); /* destroy would wait for it to let go */
}

static void test_interrupt_of_a_held_guest(void **state)
{
    struct box *box = *state;
    struct host h;
    struct caller c;
    struct hl_regs regs;
    pthread_t thread;
    char reply[4096];
    open_limits(box, &h);
    serve(box);
    int fd = hold(box, &h, &c, &thread);
    assert_false(atomic_load(&c.done));
    hl_sandbox_interrupt(box->sb);
    pthread_join(thread, NULL);
    assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    assert_int_equal(hl_machine_get_regs(hl_sandbox_machine(box->sb), &regs, &box->error), 0);
    ask(fd, "g", reply, sizeof(reply)); /* and the debugger still sees it */
    assert_true(strlen(reply) > 200);
    close(fd);
}

static bool waits_for_a_debugger(struct hl_debug *d)
{
    pthread_mutex_lock(&d->lock);
    bool waits = d->waiting;
    pthread_mutex_unlock(&d->lock);
    return waits;
}

static void test_interrupt_before_a_held_call(void **state)
{
    struct box *box = *state;
    struct host h;
    struct caller c = {.box = box, .function = "NoOp"};
    pthread_t thread;
    char reply[256];
    open_limits(box, &h);
    serve(box);
    int fd = attach();
    ask(fd, "?", reply, sizeof(reply));
    thread_begin(&thread, call_it, &c);
    WAIT_FOR(waits_for_a_debugger(debug_of(box->sb)));
    assert_false(atomic_load(&c.done));
    WAIT_FOR((hl_sandbox_interrupt(box->sb), atomic_load(&c.done)));
    pthread_join(thread, NULL);
    assert_int_equal(c.rc, HL_ERR_INTERRUPTED);
    ask(fd, "D", reply, sizeof(reply));
    close(fd);
    /* The guest had not run: nothing is lost. */
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_READY);
    CALL0(box, "NoOp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_many_at_once),
        BOX_TEST(test_after_a_fork),
        BOX_TEST(test_a_debugger_stops_the_clocks),
        BOX_TEST(test_a_debugger_after_a_limit),
        BOX_TEST(test_interrupt_of_a_held_guest),
        BOX_TEST(test_interrupt_before_a_held_call),
    };
    watchdog(50);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
