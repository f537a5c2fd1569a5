/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines: called once, not early and in order; set again, cancelled, many, and after fork(). */
#include "kit.h"

#include <errno.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "deadline.h"

#define MS 1000000ull
#define FAR (3600 * 1000 * MS)

/* One that counts its calls, and says when it is called. */
struct bell {
    struct deadline deadline; /* the first member */
    unsigned calls,
        repeats;         /* repeats: how often it asks to be called again, a millisecond later */
    uint64_t at, called; /* what the last call was for, and when it came */
    size_t rank;         /* how many calls of all came before it */
    sem_t *over;
};

static size_t called; /* of all; only the thread of deadlines changes it */

static uint64_t ring(struct deadline *deadline, uint64_t now)
{
    struct bell *a = (struct bell *)deadline;
    a->at = deadline->at;
    a->called = now;
    a->rank = called++;
    if (a->calls++ < a->repeats)
        return now + MS;
    if (a->over)
        sem_post(a->over);
    return DEADLINE_NEVER;
}

static void open_bell(struct bell *a, sem_t *over)
{
    *a = (struct bell){.deadline = {.due = ring, .at = DEADLINE_NEVER}, .over = over};
    assert_int_equal(deadline_open(NULL), 0);
}

static void wait_for(sem_t *sem)
{
    while (sem_wait(sem))
        assert_int_equal(errno, EINTR);
}

static void test_not_early(void **state)
{
    struct bell a;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    open_bell(&a, &over);
    for (uint64_t wait = 0; wait <= 8; wait += 4) {
        uint64_t at = clock_now() + wait * MS;
        deadline_set(&a.deadline, at);
        wait_for(&over);
        assert_true(a.called >= at);
    }
    assert_int_equal(a.calls, 3);
    deadline_close(&a.deadline);
    sem_destroy(&over);
}

/* The thread sleeps to a far time; an earlier one, of the same or of another deadline, wakes it. */
static void test_earlier_wakes(void **state)
{
    struct bell far, near;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    open_bell(&far, &over);
    open_bell(&near, &over);
    deadline_set(&far.deadline, clock_now() + FAR);
    deadline_set(&near.deadline, clock_now() + MS);
    wait_for(&over);
    assert_int_equal(near.calls, 1);
    assert_int_equal(far.calls, 0);
    deadline_set(&far.deadline, clock_now());
    wait_for(&over);
    assert_int_equal(far.calls, 1);
    deadline_close(&far.deadline);
    deadline_close(&near.deadline);
    sem_destroy(&over);
}

static void test_advance(void **state)
{
    struct bell a;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    open_bell(&a, &over);
    uint64_t far = clock_now() + FAR;
    deadline_advance(&a.deadline, far); /* it was not set */
    assert_int_equal(a.deadline.at, far);
    deadline_advance(&a.deadline, far + 1);
    assert_int_equal(a.deadline.at, far);
    deadline_advance(&a.deadline, clock_now());
    wait_for(&over);
    assert_int_equal(a.calls, 1);
    deadline_close(&a.deadline);
    sem_destroy(&over);
}

static void test_comes_again(void **state)
{
    struct bell a;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    open_bell(&a, &over);
    a.repeats = 3;
    deadline_set(&a.deadline, clock_now());
    wait_for(&over);
    assert_int_equal(a.calls, 4);
    deadline_close(&a.deadline);
    sem_destroy(&over);
}

/* What comes after the cancelled ones has been called: they would have been, too. */
static void test_cancelled(void **state)
{
    struct bell never, closed, last;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    open_bell(&never, NULL);
    open_bell(&closed, NULL);
    open_bell(&last, &over);
    /* Where the machine is so slow that they came before they were cancelled: again. */
    for (uint64_t gap = 50 * MS;; gap *= 2) {
        uint64_t at = clock_now() + gap;
        never.calls = closed.calls = 0;
        deadline_set(&never.deadline, at);
        deadline_set(&closed.deadline, at + 1);
        deadline_set(&last.deadline, at + 2);
        deadline_set(&never.deadline, DEADLINE_NEVER);
        deadline_set(&closed.deadline, DEADLINE_NEVER);
        bool in_time = clock_now() < at;
        wait_for(&over);
        if (in_time)
            break;
    }
    assert_int_equal(never.calls, 0);
    assert_int_equal(closed.calls, 0);
    deadline_close(&never.deadline);
    /* One that is set, and closed. */
    deadline_set(&closed.deadline, clock_now() + FAR);
    deadline_close(&closed.deadline);
    deadline_set(&last.deadline, clock_now());
    wait_for(&over);
    assert_int_equal(closed.calls, 0);
    deadline_close(&last.deadline);
    sem_destroy(&over);
}

#define MANY 600u

static struct bell many[MANY];
static uint64_t wanted[MANY]; /* when each is to be called, as far as the calls so far say */

/* Chance sets, moves and cancels them, to few times, so that many have the same one. */
static void shuffle(uint64_t start, uint64_t *random)
{
    for (unsigned i = 0; i < MANY; i++)
        wanted[i] = DEADLINE_NEVER;
    for (unsigned i = 0; i < 5 * MANY; i++) {
        size_t n = next_random(random) % MANY;
        uint64_t at = start + next_random(random) % 1000;
        switch (next_random(random) % 4) {
        case 0:
            deadline_set(&many[n].deadline, DEADLINE_NEVER);
            wanted[n] = DEADLINE_NEVER;
            break;
        case 1:
            deadline_advance(&many[n].deadline, at);
            wanted[n] = at < wanted[n] ? at : wanted[n];
            break;
        default:
            deadline_set(&many[n].deadline, at);
            wanted[n] = at;
        }
    }
}

/* None is set, or has been called, any more. */
static void forget_calls(sem_t *over)
{
    for (unsigned i = 0; i < MANY; i++)
        deadline_set(&many[i].deadline, DEADLINE_NEVER);
    while (sem_trywait(over) == 0)
        continue;
    called = 0;
    for (unsigned i = 0; i < MANY; i++)
        many[i].calls = 0;
}

/* Each once, at the time it was set to, after all that are earlier. */
static void check_calls(size_t count)
{
    uint64_t order[MANY];
    assert_int_equal(called, count);
    for (unsigned i = 0; i < MANY; i++) {
        assert_int_equal(many[i].calls, wanted[i] != DEADLINE_NEVER);
        if (!many[i].calls)
            continue;
        assert_int_equal(many[i].at, wanted[i]);
        assert_true(many[i].called >= wanted[i]);
        order[many[i].rank] = wanted[i];
    }
    for (size_t i = 1; i < count; i++)
        assert_true(order[i - 1] <= order[i]);
}

static void test_many(void **state)
{
    uint64_t random = 1, gap = 100 * MS, start;
    size_t count = 0;
    sem_t over;
    (void)state;
    sem_init(&over, 0, 0);
    for (unsigned i = 0; i < MANY; i++)
        open_bell(&many[i], &over);
    do { /* once more, where the first of them came before the last was set */
        forget_calls(&over);
        start = clock_now() + gap;
        gap *= 2;
        shuffle(start, &random);
    } while (clock_now() >= start);
    for (unsigned i = 0; i < MANY; i++)
        if (wanted[i] != DEADLINE_NEVER)
            count++;
    assert_in_range(count, MANY / 4, MANY - 1);
    for (size_t i = 0; i < count; i++)
        wait_for(&over);
    for (unsigned i = 0; i < MANY; i++)
        deadline_close(&many[i].deadline); /* waits for the last call to be over */
    check_calls(count);
    sem_destroy(&over);
}

/* ---- setting it waits for the call in progress ---- */

struct slow_bell {
    struct deadline deadline; /* the first member */
    sem_t begun;
    atomic_bool over;
};

static uint64_t ring_slowly(struct deadline *deadline, uint64_t now)
{
    struct slow_bell *a = (struct slow_bell *)deadline;
    (void)now;
    sem_post(&a->begun);
    for (int i = 0; i < 20000; i++)
        sched_yield(); /* the other one has come back from deadline_set() by then, if it could */
    atomic_store(&a->over, true);
    return DEADLINE_NEVER;
}

static void test_set_waits(void **state)
{
    struct slow_bell a = {.deadline = {.due = ring_slowly}};
    (void)state;
    sem_init(&a.begun, 0, 0);
    assert_int_equal(deadline_open(NULL), 0);
    deadline_set(&a.deadline, clock_now());
    wait_for(&a.begun);
    deadline_set(&a.deadline, DEADLINE_NEVER);
    assert_true(atomic_load(&a.over));
    deadline_close(&a.deadline);
    sem_destroy(&a.begun);
}

/* ---- fork ---- */

/* In the child: the parent's are not set, and new ones work.  Returns its exit status. */
static int after_fork(struct bell *of_parent)
{
    struct bell a = {.deadline = {.due = ring}};
    sem_t over;
    sem_init(&over, 0, 0);
    a.over = &over;
    if (deadline_open(NULL))
        return 1;
    deadline_set(&a.deadline, clock_now() + MS);
    while (sem_wait(&over))
        if (errno != EINTR)
            return 2;
    deadline_close(&a.deadline);
    deadline_close(&of_parent->deadline); /* harmless */
    return a.calls != 1 ? 3 : of_parent->calls ? 4 : 0;
}

static void test_fork(void **state)
{
    struct bell a;
    sem_t over;
    int status;
    (void)state;
    SKIP_IF(UNDER_TSAN, "ThreadSanitizer lets a child have no threads");
    sem_init(&over, 0, 0);
    open_bell(&a, &over);
    deadline_set(&a.deadline, clock_now() + FAR); /* its thread runs, and sleeps */
    pid_t child = fork();
    if (child == 0) {
        alarm(20 * slow());
        _exit(after_fork(&a));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    deadline_set(&a.deadline, clock_now()); /* the parent's go on */
    wait_for(&over);
    assert_int_equal(a.calls, 1);
    deadline_close(&a.deadline);
    sem_destroy(&over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_early), cmocka_unit_test(test_earlier_wakes),
        cmocka_unit_test(test_advance),   cmocka_unit_test(test_comes_again),
        cmocka_unit_test(test_cancelled), cmocka_unit_test(test_many),
        cmocka_unit_test(test_set_waits), cmocka_unit_test(test_fork),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
