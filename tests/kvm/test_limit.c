/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on calls, and interrupts: in guest code, in host functions, under a debugger. */
#include "../wait.h"
#include "box.h"
#include "deadline.h"
#include "debug.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include <hl/debug.h>
#include <hl/snapshot.h>

#define MS 1000000ull
#define S 1000000000ull

/* What HostTakes does with its time, and what happens in it. */
struct host {
    struct box *box;
    bool burns; /* CPU time; else it sleeps */
    bool interrupts;
    int limit; /* what setting a limit in here gave */
    atomic_int calls;
    atomic_bool wait, inside;
};

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static void take(clockid_t clock, uint64_t ns)
{
    for (uint64_t end = clock_ns(clock) + ns; clock_ns(clock) < end;)
        if (clock == CLOCK_MONOTONIC)
            usleep(500);
}

struct bell {
    struct deadline deadline; /* the first member */
    sem_t rung;
};

static uint64_t ring(struct deadline *deadline, uint64_t now)
{
    (void)now;
    sem_post(&((struct bell *)deadline)->rung);
    return DEADLINE_NEVER;
}

/* Until a deadline that begins now is over, and with it each that had begun and is no longer. */
static void outlast(uint64_t ns)
{
    struct bell bell = {.deadline = {.due = ring}};
    sem_init(&bell.rung, 0, 0);
    assert_int_equal(deadline_open(NULL), 0);
    deadline_set(&bell.deadline, clock_now() + ns);
    while (sem_wait(&bell.rung))
        continue;
    deadline_close(&bell.deadline);
    sem_destroy(&bell.rung);
}

static int host_takes(void *opaque, const struct hl_value *args, size_t count,
                      struct hl_value *result, struct hl_error *error)
{
    struct host *h = opaque;
    (void)count;
    (void)error;
    h->limit = hl_sandbox_limit(h->box->sb, NULL, NULL);
    atomic_fetch_add(&h->calls, 1);
    if (h->interrupts)
        hl_sandbox_interrupt(h->box->sb);
    atomic_store(&h->inside, true);
    WAIT_WHILE(atomic_load(&h->wait));
    take(h->burns ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC,
         (uint64_t)(uint32_t)args[0].i32 * MS);
    result->i32 = 1;
    return 0;
}

static void create(struct box *box, struct host *h, const char *const *envp)
{
    memset(h, 0, sizeof(*h));
    h->box = box;
    box_create(box, "limits", (struct hl_sandbox_config){.envp = envp});
    box_register(box, "HostTakes", "i32(i32)", host_takes, h);
}

static void open_limits(struct box *box, struct host *h)
{
    create(box, h, NULL);
    box_start(box);
}

static void limit(struct box *box, struct hl_limits limits)
{
    if (hl_sandbox_limit(box->sb, &limits, &box->error))
        fail_msg("%s", box->error.text);
}

static void expect_limit(struct box *box, int rc, enum hl_limit which, const char *words)
{
    assert_int_equal(rc, HL_ERR_INTERRUPTED);
    assert_int_equal(hl_sandbox_limit_hit(box->sb), which);
    assert_string_equal(box->error.text, words);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
    assert_int_equal(TRY0(box, "NoOp"), HL_ERR_STATE);
}

static void test_time_in_guest_code(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 30 * MS});
    uint64_t begin = clock_ns(CLOCK_MONOTONIC);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_MONOTONIC) - begin;
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 30 ms was reached");
    assert_true(took >= 30 * MS);
    assert_true(took < 1 * S * slow());
}

static void test_cpu_time_in_guest_code(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 30 * MS, .wall_ns = 100 * S});
    uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    expect_limit(box, rc, HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 30 ms was reached");
    assert_true(took >= 30 * MS);
    assert_true(took < 1 * S * slow());
}

/* Other threads that want the processors make the call longer, not the guest's CPU time. */
static void *burn(void *opaque)
{
    atomic_bool *end = opaque;
    while (!atomic_load(end))
        ;
    return NULL;
}

static void test_cpu_time_is_the_threads_own(void **state)
{
    struct box *box = *state;
    struct host h;
    pthread_t thread[4];
    atomic_bool end = false;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 50 * MS});
    for (unsigned i = 0; i < COUNT(thread); i++)
        assert_int_equal(pthread_create(&thread[i], NULL, burn, &end), 0);
    uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    int rc = TRY0(box, "Spin");
    uint64_t took = clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
    atomic_store(&end, true);
    for (unsigned i = 0; i < COUNT(thread); i++)
        pthread_join(thread[i], NULL);
    expect_limit(box, rc, HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 50 ms was reached");
    assert_true(took >= 50 * MS);
}

static void test_time_in_a_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS});
    int rc = TRY(box, "AskHost", value_i32(1000), value_i32(50));
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 20 ms was reached");
    assert_int_equal(atomic_load(&h.calls), 1);
    assert_int_equal(h.limit, HL_ERR_BUSY);
}

/* Neither sleeping nor computing in a host function is CPU time of the guest. */
static void test_cpu_time_in_a_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 60 * MS * slow()});
    assert_int_equal(CALL(box, "AskHost", value_i32(1), value_i32(150 * (int)slow()))->i32, 1);
    h.burns = true;
    assert_int_equal(CALL(box, "AskHost", value_i32(1), value_i32(150 * (int)slow()))->i32, 1);
    assert_int_equal(CALL(box, "AskHost", value_i32(15), value_i32(10 * (int)slow()))->i32, 15);
}

/* After it the guest's own time counts on. */
static void test_cpu_time_after_host_functions(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    for (int burns = 0; burns < 2; burns++) {
        h.burns = burns;
        limit(box, (struct hl_limits){.cpu_ns = 40 * MS});
        int rc = TRY(box, "AskHost", value_i32(INT32_MAX), value_i32(1));
        expect_limit(box, rc, HL_LIMIT_CPU,
                     "the guest was interrupted: its CPU time limit of 40 ms was reached");
        box_close(box);
        open_limits(box, &h);
    }
}

static void test_exits(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.exits = 1});
    for (int i = 0; i < 100; i++)
        CALL0(box, "NoOp");
    limit(box, (struct hl_limits){.exits = 11});
    assert_int_equal(CALL(box, "AskHost", value_i32(10), value_i32(0))->i32, 10);
    int rc = TRY(box, "AskHost", value_i32(11), value_i32(0));
    expect_limit(box, rc, HL_LIMIT_EXITS,
                 "the guest was interrupted: its limit of 11 exits was reached");
    assert_int_equal(atomic_load(&h.calls), 21);
}

/* Interrupts that come for another reason are not the guest's exits. */
static void *kick_often(void *opaque)
{
    struct host *h = opaque;
    WAIT_WHILE((hl_machine_kick(hl_sandbox_machine(h->box->sb)), !atomic_load(&h->wait)));
    return NULL;
}

static void test_exits_are_the_guests(void **state)
{
    struct box *box = *state;
    struct host h;
    pthread_t thread;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.exits = 3, .wall_ns = 50 * MS});
    assert_int_equal(pthread_create(&thread, NULL, kick_often, &h), 0);
    int rc = TRY0(box, "Spin");
    atomic_store(&h.wait, true);
    pthread_join(thread, NULL);
    expect_limit(box, rc, HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 50 ms was reached");
    assert_int_equal(hl_sandbox_limit(box->sb, NULL, NULL), 0);
}

static void test_at_start_and_in_main(void **state)
{
    struct box *box = *state;
    struct host h;
    const char *const env[] = {"SPIN_AT_START=1", NULL};
    int status;
    create(box, &h, env);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS});
    expect_limit(box, hl_sandbox_start(box->sb, &box->error), HL_LIMIT_WALL,
                 "the guest was interrupted: its time limit of 20 ms was reached");
    box_close(box);

    open_limits(box, &h);
    limit(box, (struct hl_limits){.cpu_ns = 1500000});
    expect_limit(box, hl_sandbox_main(box->sb, &status, &box->error), HL_LIMIT_CPU,
                 "the guest was interrupted: its CPU time limit of 1.5 ms was reached");
}

/* Each call has the whole of it, and one that ends in time leaves nothing behind. */
static void test_each_call_anew(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){
                   .wall_ns = 200 * MS * slow(), .cpu_ns = 200 * MS * slow(), .exits = 3});
    for (uint64_t end = clock_ns(CLOCK_MONOTONIC) + 500 * MS * slow();
         clock_ns(CLOCK_MONOTONIC) < end;)
        assert_int_equal(CALL(box, "AskHost", value_i32(2), value_i32(0))->i32, 2);
    outlast(200 * MS * slow());
    CALL0(box, "NoOp");
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
}

static void test_restored_after_a_limit(void **state)
{
    struct box *box = *state;
    struct host h;
    struct hl_snapshot *snapshot;
    open_limits(box, &h);
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    for (int i = 0; i < 5; i++) {
        limit(box, (struct hl_limits){.wall_ns = 5 * MS});
        assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
        assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_WALL);
        assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
        limit(box, (struct hl_limits){.wall_ns = 10 * S});
        assert_int_equal(CALL(box, "AskHost", value_i32(3), value_i32(0))->i32, 3);
    }
    hl_snapshot_destroy(snapshot);
}

/* What ended it stays to be looked at. */
static void test_inspectable(void **state)
{
    struct box *box = *state;
    struct host h;
    struct hl_regs regs;
    uint8_t code[2];
    const uint8_t pause[2] = {0xf3, 0x90}, back[1] = {0xeb};
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 20 * MS * slow()});
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    assert_int_equal(hl_machine_get_regs(m, &regs, &box->error), 0);
    assert_int_equal(hl_machine_read(m, regs.rip, code, 2, HL_PROT_EXEC), 2);
    assert_true(memcmp(code, pause, 2) == 0 || memcmp(code, back, 1) == 0);
    assert_int_equal(hl_machine_read(m, regs.rsp, code, 2, HL_PROT_READ), 2);
    assert_null(hl_sandbox_fault(box->sb));
}

static void test_interrupt_from_the_host_function(void **state)
{
    struct box *box = *state;
    struct host h;
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 10 * S, .cpu_ns = 10 * S, .exits = 1000});
    h.interrupts = true;
    assert_int_equal(TRY(box, "AskHost", value_i32(10), value_i32(1)), HL_ERR_INTERRUPTED);
    assert_string_equal(box->error.text, "the guest was interrupted");
    assert_int_equal(hl_sandbox_limit_hit(box->sb), HL_LIMIT_NONE);
    assert_int_equal(atomic_load(&h.calls), 1);
    assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
}

static void test_bad_arguments(void **state)
{
    struct box *box = *state;
    struct host h;
    const struct hl_limits all = {UINT64_MAX, UINT64_MAX, UINT64_MAX}, none = {0};
    assert_int_equal(hl_sandbox_limit(NULL, NULL, NULL), HL_ERR_ARGUMENT);
    open_limits(box, &h);
    assert_int_equal(hl_sandbox_limit(box->sb, NULL, &box->error), 0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(hl_sandbox_limit(box->sb, &all, &box->error), 0);
        assert_int_equal(CALL(box, "AskHost", value_i32(3), value_i32(1))->i32, 3);
        assert_int_equal(hl_sandbox_limit(box->sb, &none, &box->error), 0);
        CALL0(box, "NoOp");
    }
}

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

/* Made here, run there, some of them in threads that block every signal. */
static void test_many_at_once(void **state)
{
    enum { N = 16 };
    static struct runner r[N];
    pthread_t thread[N];
    unsigned before = threads();
    (void)state;
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
        assert_int_equal(pthread_create(&thread[i], NULL, run_into_limit, &r[i]), 0);
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_true(r[i].fine);
        box_close(&r[i].box);
    }
    assert_in_range(threads(), before, before + 1); /* the one that keeps time */
}

/* The child of a fork has no such thread, and a machine of its own only. */
static void test_after_a_fork(void **state)
{
    struct box *box = *state;
    struct host h;
    int status;
#ifdef __SANITIZE_THREAD__
    print_message("# ThreadSanitizer starts no threads after a fork\n");
    skip();
#endif
    open_limits(box, &h);
    limit(box, (struct hl_limits){.wall_ns = 5 * MS});
    assert_int_equal(TRY0(box, "Spin"), HL_ERR_INTERRUPTED);
    pid_t child = fork();
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
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
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
    assert_int_equal(pthread_create(thread, NULL, call_it, c), 0);
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
    assert_int_equal(pthread_create(&thread, NULL, call_it, &c), 0);
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
        BOX_TEST(test_time_in_guest_code),
        BOX_TEST(test_cpu_time_in_guest_code),
        BOX_TEST(test_cpu_time_is_the_threads_own),
        BOX_TEST(test_time_in_a_host_function),
        BOX_TEST(test_cpu_time_in_a_host_function),
        BOX_TEST(test_cpu_time_after_host_functions),
        BOX_TEST(test_exits),
        BOX_TEST(test_exits_are_the_guests),
        BOX_TEST(test_at_start_and_in_main),
        BOX_TEST(test_each_call_anew),
        BOX_TEST(test_restored_after_a_limit),
        BOX_TEST(test_inspectable),
        BOX_TEST(test_interrupt_from_the_host_function),
        BOX_TEST(test_bad_arguments),
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
