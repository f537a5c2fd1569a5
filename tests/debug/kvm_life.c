/* SPDX-License-Identifier: Apache-2.0 */
/* A debugger that comes and goes, on a real guest: attach, break in, hold, kill. */
#include "gdb_box.h"
#include "thread.h"

#include <sched.h>
#include <sys/syscall.h>

#include "linux.h"

/* ---- memory of the debugger's own ---- */

static size_t mapped_pages(struct gdb_box *g)
{
    hl_gva_t gva = 0;
    hl_gpa_t gpa;
    unsigned prot;
    size_t n = 0;
    for (; machine_next(g->box.sb->machine, &gva, &gpa, &prot); gva += 4096)
        n++;
    return n;
}

static void expect_region(struct gdb_box *g, uint64_t at, uint64_t start, uint64_t size,
                          unsigned access)
{
    struct gdb_region region;
    assert_int_equal(debug_ops.memory_region(g->d, at, &region), 0);
    assert_true(region.start <= at && at - region.start < region.size);
    assert_int_equal(region.access, access);
    if (size) {
        assert_int_equal(region.start, start);
        assert_int_equal(region.size, size);
    }
}

static void test_borrowed_memory(void **state)
{
    /* mov $42, %eax; ret */
    static const uint8_t code[] = {0xb8, 42, 0, 0, 0, 0xc3};
    struct gdb_box *g = *state;
    uint64_t text, data, other;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick");
    size_t before = mapped_pages(g);
    attach_idle(g);
    assert_int_equal(debug_ops.allocate(g->d, 4096, 7, &text), 0);
    assert_int_equal(debug_ops.allocate(g->d, 5000, GDB_READABLE | GDB_WRITABLE, &data), 0);
    assert_int_equal(mapped_pages(g), before + 3);
    expect_region(g, text, text, 4096, GDB_READABLE | GDB_EXECUTABLE);
    expect_region(g, data + 5000, data, 8192, GDB_READABLE | GDB_WRITABLE);
    expect_region(g, tick, 0, 0, GDB_READABLE | GDB_EXECUTABLE);
    expect_region(g, 0, 0, g->box.sb->region[REGION_IMAGE].start, 0);
    expect_region(g, UINT64_MAX - 1, 0, 0, 0);
    assert_int_equal(debug_ops.allocate(g->d, 1ull << 40, 3, &other), HL_ERR_LIMIT);
    assert_int_equal(debug_ops.deallocate(g->d, data + 4096), HL_ERR_ARGUMENT);
    poke(g, text, code, sizeof(code));
    insert(g, GDB_SW_BREAK, tick, 1);
    CONTINUE(g);
    BEGIN(g, "Tick", value_i32(1));
    expect_break(g, GDB_STOP_SW_BREAK, tick);
    drop(g, GDB_SW_BREAK, tick, 1);
    set_reg(g, GDB_AMD64_RIP, text);
    assert_int_equal(step(g), text + 5);
    assert_int_equal(reg(g, GDB_AMD64_RAX) & 0xff, 42);
    set_reg(g, GDB_AMD64_RIP, tick);
    assert_int_equal(debug_ops.deallocate(g->d, data), 0);
    assert_int_equal(debug_ops.deallocate(g->d, data), HL_ERR_ARGUMENT);
    assert_int_equal(mapped_pages(g), before + 1);
    debug_ops.detach(g->d);
    call_over(g, 0);
    assert_int_equal(mapped_pages(g), before); /* what was left went with the debugger */
}

/* ---- coming and going ---- */

static void all_text(struct gdb_box *g, uint8_t *text, uint64_t *start, size_t size)
{
    for (size_t i = 0; i < hl_image_segment_count(g->box.image); i++) {
        const struct hl_segment *s = hl_image_segment(g->box.image, i);
        if (!(s->prot & HL_PROT_EXEC))
            continue;
        assert_true(s->size <= size);
        *start = s->start;
        memset(text, 0, size);
        hl_machine_read(g->box.sb->machine, s->start, text, s->size, 0);
        return;
    }
}

/* It runs in a loop, full of points, and is let go: nothing of them is left. */
static void test_detach_running(void **state)
{
    static uint8_t before[1u << 20], after[1u << 20];
    struct gdb_box *g = *state;
    uint64_t start = 0;

    gdb_box_open(g);
    uint64_t slide = where(g, "slide"), global = where(g, "global"), words = where(g, "words");
    all_text(g, before, &start, sizeof(before));
    attach_idle(g);
    for (uint64_t i = 0; i < 100; i++)
        insert(g, i % 2 ? GDB_SW_BREAK : GDB_HW_BREAK, slide + i, 1);
    insert(g, GDB_WATCH_WRITE, global, 5000);
    insert(g, GDB_WATCH_ACCESS, global + 8192, 8);
    CONTINUE(g);
    const volatile uint64_t *now = live(g, words);
    uint64_t turns = *now;
    BEGIN0(g, "Spin");
    WAIT_FOR(*now != turns);
    debug_ops.detach(g->d);
    expect_nothing(g);
    assert_int_equal(debug_ops.attach(g->d), 0); /* when it stands again it has been let go */
    expect_signal(g, GDB_SIGNAL_0);
    all_text(g, after, &start, sizeof(after));
    assert_memory_equal(before, after, sizeof(before));
    turns = *now;
    debug_ops.detach(g->d);
    WAIT_FOR(*now != turns); /* it runs on, sooner or later */
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

static void test_break_in(void **state)
{
    struct gdb_box *g = *state;
    uint64_t last = 0, turns;

    gdb_box_open(g);
    uint64_t words = where(g, "words");
    const volatile uint64_t *now = live(g, words);
    attach_idle(g);
    CONTINUE(g);
    BEGIN0(g, "Spin");
    for (int i = 0; i < 20; i++) {
        WAIT_FOR(*now > last);
        break_in(g);
        peek(g, words, &turns, sizeof(turns));
        assert_true(turns > last);
        last = turns;
        for (int n = 0; n < 5; n++)
            step(g);
        CONTINUE(g);
    }
    assert_true(last > 0);
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

/* It stands before the system call, and makes the rest of it; a second stop changes nothing. */
static void test_break_in_a_sleep(void **state)
{
    struct gdb_box *g = *state;
    struct timespec first = {0, 0};
    uint8_t code[2];

    gdb_box_open(g);
    attach_idle(g);
    CONTINUE(g);
    BEGIN(g, "Nap", value_u32(400));
    for (int i = 0; i < 3; i++) {
        WAIT_FOR(atomic_load(&linux_of(g->box.sb)->nap.asleep));
        break_in(g);
        if (i == 0)
            first = linux_of(g->box.sb)->nap.until;
        peek(g, pc(g), code, sizeof(code));
        assert_true(code[0] == 0x0f && code[1] == 0x05 && linux_of(g->box.sb)->nap.kept);
        assert_memory_equal(&first, &linux_of(g->box.sb)->nap.until, sizeof(first));
        CONTINUE(g);
    }
    call_end(g, 0);
    BEGIN(g, "Nap", value_u32(100000));
    WAIT_FOR(atomic_load(&linux_of(g->box.sb)->nap.asleep));
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

/* A signal with a handler stops the guest before the handler has it, or another one, or none. */
static void test_caught_signals(void **state)
{
    static const struct {
        int signal, result;
    } cases[] = {{30, SIGUSR1}, {31, SIGUSR2}, {GDB_SIGNAL_0, 0}};
    struct gdb_box *g = *state;

    gdb_box_open(g);
    attach_idle(g);
    CONTINUE(g);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct gdb_resume resume = {.how = GDB_CONTINUE, .signal = cases[i].signal};
        BEGIN0(g, "Catch");
        expect_signal(g, 30);
        assert_int_equal(debug_ops.resume(g->d, &resume), 0);
        call_end(g, cases[i].result);
    }
}

static void wait_in_host(struct gdb_box *g)
{
    WAIT_FOR(atomic_load(&g->in_host));
}

static void test_in_host(void **state)
{
    struct gdb_box *g = *state;
    const uint32_t value = 0x1111;

    gdb_box_open(g);
    uint64_t global = where(g, "global");
    atomic_store(&g->host_waits, true);
    BEGIN(g, "Poke", value_u64(global), value_i32(77));
    wait_in_host(g);
    attach_idle(g);
    uint64_t at = pc(g);
    uint8_t code[2];
    peek(g, at - 2, code, sizeof(code));
    assert_true(code[1] == 0xee || code[0] == 0xe6); /* after the `out` */
    poke(g, global + 64, &value, sizeof(value));
    insert(g, GDB_WATCH_WRITE, global, 4);
    STEP(g);
    atomic_store(&g->host_waits, false);
    struct gdb_stop stop = take(g);
    assert_int_equal(stop.reason, GDB_STOP_WATCH);
    assert_int_equal(stop.address, global);
    assert_int_equal(pc(g), at);
    CONTINUE(g);
    call_end(g, 77);
}

static void test_fault(void **state)
{
    struct gdb_box *g = *state;
    struct hl_fault fault;

    gdb_box_open(g);
    attach_idle(g);
    CONTINUE(g);
    BEGIN0(g, "Crash");
    expect_signal(g, GDB_SIGNAL_SEGV);
    uint64_t at = pc(g);
    STEP(g); /* tried again */
    expect_signal(g, GDB_SIGNAL_SEGV);
    assert_int_equal(pc(g), at);
    const struct gdb_resume deliver = {.how = GDB_CONTINUE, .signal = GDB_SIGNAL_SEGV};
    assert_int_equal(debug_ops.resume(g->d, &deliver), 0);
    call_over(g, HL_ERR_FAULT);
    assert_int_equal(take(g).reason, GDB_STOP_KILLED);
    fault = *hl_sandbox_fault(g->box.sb);
    assert_int_equal(fault.vector, 14);
    assert_int_equal(fault.address, 0x10);
    assert_int_equal(debug_ops.attach(g->d), 0); /* the dead can be looked at */
    expect_signal(g, GDB_SIGNAL_SEGV);
    assert_int_equal(pc(g), at);
    assert_int_equal(debug_ops.restart(g->d), 0); /* and raised */
    expect_signal(g, GDB_SIGNAL_TRAP);
    CONTINUE(g);
    BEGIN(g, "Tick", value_i32(3));
    call_end(g, 3);
}

/* The program wants to know no more than the code. */
static void test_kill_at_a_fault_without_an_error(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_open(g);
    attach_idle(g);
    CONTINUE(g);
    g->silent = true;
    BEGIN0(g, "Crash");
    expect_signal(g, GDB_SIGNAL_SEGV);
    debug_ops.kill(g->d);
    call_over(g, HL_ERR_INTERRUPTED);
}

static void *run_start(void *opaque)
{
    struct gdb_box *g = opaque;
    g->rc = hl_sandbox_start(g->box.sb, &g->call_error);
    return NULL;
}

static void test_hold(void **state)
{
    struct gdb_box *g = *state;

    gdb_box_create(g, &(struct hl_debug_config){.hold = HL_HOLD_ENTRY});
    hl_gva_t entry = hl_image_entry(g->box.image);
    pthread_t starter;
    thread_begin(&starter, run_start, g);
    assert_int_equal(debug_ops.attach(g->d), 0);
    expect_signal(g, GDB_SIGNAL_TRAP);
    assert_int_equal(pc(g), entry);
    uint64_t last = entry;
    for (int i = 0; i < 50; i++) {
        uint64_t now = step(g);
        assert_int_not_equal(now, 0);
        last = now;
    }
    assert_int_not_equal(last, entry);
    CONTINUE(g);
    pthread_join(starter, NULL);
    assert_int_equal(g->rc, 0);
    BEGIN(g, "Tick", value_i32(3));
    call_end(g, 3);
}

/* Two threads at it, with no plan: a debugger that does what it likes, and a guest that runs. */
static void test_any_order(void **state)
{
    struct gdb_box *g = *state;
    uint64_t random = 12345;

    gdb_box_open(g);
    uint64_t tick = where(g, "tick"), global = where(g, "global");
    int32_t calls = 0;
    for (int i = 0; i < (emulated() ? 100 : 1000); i++) {
        struct gdb_stop stop;
        if (!g->calling)
            BEGIN(g, "Tick", value_i32(20));
        else if (atomic_load(&g->over)) {
            call_end(g, 20);
            calls++;
        }
        if (debug_ops.attach(g->d) == 0)
            stop = take(g);
        switch (next_random(&random) % 6) {
        case 0:
            debug_ops.detach(g->d);
            break;
        case 1:
            debug_ops.insert_point(g->d, GDB_SW_BREAK, tick, 1);
            break;
        case 2:
            debug_ops.remove_point(g->d, GDB_SW_BREAK, tick, 1);
            break;
        case 3:
            debug_ops.insert_point(g->d, GDB_WATCH_WRITE, global, 64);
            break;
        case 4:
            STEP(g);
            debug_ops.interrupt(g->d);
            stop = take(g);
            break;
        default:
            CONTINUE(g);
            usleep((useconds_t)(next_random(&random) % 200));
            debug_ops.interrupt(g->d);
            stop = take(g);
        }
        (void)stop;
    }
    debug_ops.detach(g->d);
    if (g->calling)
        call_end(g, 20);
    print_message("# %d calls\n", calls);
}

int main(int argc, char **argv)
{
    watchdog(100);
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        GDB_TEST(test_borrowed_memory),
        GDB_TEST(test_detach_running),
        GDB_TEST(test_break_in),
        GDB_TEST(test_break_in_a_sleep),
        GDB_TEST(test_caught_signals),
        GDB_TEST(test_in_host),
        GDB_TEST(test_fault),
        GDB_TEST(test_kill_at_a_fault_without_an_error),
        GDB_TEST(test_hold),
        GDB_TEST(test_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
