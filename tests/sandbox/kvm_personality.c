/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seam of personality.h with another one in it than Linux: it answers no system call, counts
 * them, gives out no page and skips a guest's ud2.
 */
#include "box.h"

#include <errno.h>

#include <hl/observe.h>
#include <hl/snapshot.h>

#include "debug.h"
#include "sandbox.h"

enum { UD2_SIZE = 2, SYS_GETPID = 39, SYS_EXIT_GROUP = 231, INVALID_OPCODE = 6 };

/* As it is saved, too. */
struct none {
    uint64_t calls, traps;
};

static unsigned freed, begun, woken;

static struct none *none_of(const struct hl_sandbox *sb)
{
    return sb->os;
}

static int none_init(struct hl_sandbox *sb, struct hl_error *error)
{
    sb->os = calloc(1, sizeof(struct none));
    return sb->os ? 0 : hl_error_set(error, HL_ERR_MEMORY, "none");
}

static void none_free(struct hl_sandbox *sb)
{
    freed += sb->os != NULL;
    free(sb->os);
}

static int none_syscall(struct hl_sandbox *sb, const struct hl_exit *exit, struct hl_error *error)
{
    (void)exit;
    (void)error;
    none_of(sb)->calls++;
    sb->answer = -ENOSYS;
    sb->answered = true;
    hl_machine_syscall_result(sb->machine, sb->answer);
    return RUN_ON;
}

static int none_fault(struct hl_sandbox *sb, const struct hl_fault *fault, bool *handled,
                      struct hl_error *error)
{
    struct hl_regs regs;
    *handled = fault->vector == INVALID_OPCODE;
    if (!*handled)
        return 0;
    none_of(sb)->traps++;
    int rc = hl_machine_get_regs(sb->machine, &regs, error);
    regs.rip += UD2_SIZE;
    return rc ? rc : hl_machine_set_regs(sb->machine, &regs, error);
}

static bool none_due(const struct hl_sandbox *sb)
{
    (void)sb;
    return false;
}

static int none_deliver(struct hl_sandbox *sb, struct hl_error *error)
{
    (void)sb;
    (void)error;
    return 0;
}

static bool none_strike(struct hl_sandbox *sb, int number)
{
    (void)sb;
    (void)number;
    return false;
}

static void none_wake(struct hl_sandbox *sb)
{
    (void)sb;
    woken++;
}

static const char *none_page_use(const struct hl_sandbox *sb, hl_gva_t gva)
{
    (void)sb;
    (void)gva;
    return NULL;
}

static uint64_t none_heap_used(const struct hl_sandbox *sb)
{
    (void)sb;
    return 0;
}

static bool none_lend(struct hl_sandbox *sb, uint64_t size, hl_gva_t *gva)
{
    (void)sb;
    (void)size;
    (void)gva;
    return false;
}

static bool none_take_back(struct hl_sandbox *sb, hl_gva_t gva, uint64_t size)
{
    (void)sb;
    (void)gva;
    (void)size;
    return true;
}

static size_t none_saved_size(size_t heap)
{
    (void)heap;
    return sizeof(struct none);
}

static void none_save(struct hl_sandbox *sb, void *saved)
{
    memcpy(saved, sb->os, sizeof(struct none));
}

static const char *none_check(const void *saved, const struct hl_region *heap)
{
    (void)saved;
    (void)heap;
    return NULL;
}

static int none_restore(struct hl_sandbox *sb, const void *saved, bool maps, bool all,
                        struct hl_error *error)
{
    (void)maps;
    (void)all;
    (void)error;
    memcpy(sb->os, saved, sizeof(struct none));
    return 0;
}

static void none_begin(struct hl_sandbox *sb)
{
    (void)sb;
    begun++;
}

static const struct personality none = {
    .name = "none",
    .init = none_init,
    .free = none_free,
    .syscall = none_syscall,
    .fault = none_fault,
    .due = none_due,
    .deliver = none_deliver,
    .strike = none_strike,
    .wake = none_wake,
    .page_use = none_page_use,
    .heap_used = none_heap_used,
    .lend = none_lend,
    .take_back = none_take_back,
    .saved_size = none_saved_size,
    .save = none_save,
    .check = none_check,
    .restore = none_restore,
    .begin = none_begin,
};

static void open_with(struct box *box, const struct personality *personality)
{
    const struct hl_sandbox_config config = {.console = box_console, .opaque = box};
    if (!box->image && hl_image_open(&box->image, TEST_BUILD "/tests/guest/none", &box->error))
        fail_msg("%s", box->error.text);
    if (sandbox_create(&box->sb, box->image, &config,
                       &(struct sandbox_parts){.personality = personality}, &box->error))
        fail_msg("%s", box->error.text);
    struct hl_boot boot;
    hl_machine_read(box->sb->machine, box->sb->region[REGION_BOOT].start, &boot, sizeof(boot), 0);
    SKIP_IF(personality && !(boot.features & HL_FEATURE_FSGSBASE),
            "a guest needs arch_prctl() on a processor without FSGSBASE");
    box_register(box, "HostAdd", "i32(i32, i32)", kit_host_add, NULL);
    box_start(box);
}

/* Every number, those of a libc's exit and write included; the same guest under Linux for contrast.
 */
static void test_no_call_is_known(void **state)
{
    struct box *box = *state;
    open_with(box, &none);
    for (uint64_t number = 0; number < 400; number++)
        assert_int_equal(CALL(box, "Ask", value_u64(number))->i64, -ENOSYS);
    assert_int_equal(none_of(box->sb)->calls, 400);
    assert_int_equal(CALL(box, "Add", value_i32(2), value_i32(3))->i32, 5);
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    open_with(box, NULL);
    assert_int_equal(CALL(box, "Ask", value_u64(SYS_GETPID))->i64, 1);
    assert_int_equal(TRY(box, "Ask", value_u64(SYS_EXIT_GROUP)), HL_ERR_EXITED);
}

static void note_answer(void *opaque, struct hl_sandbox *sb, const struct hl_event *event)
{
    (void)sb;
    if (event->served.answered)
        *(int64_t *)opaque = event->served.result;
}

static void test_observers_see_the_answer(void **state)
{
    struct box *box = *state;
    int64_t answer = 0;
    struct hl_observer observer = {
        .event = note_answer, .opaque = &answer, .kinds = HL_EVENT_BIT(HL_EVENT_SERVED)};
    open_with(box, &none);
    assert_int_equal(hl_sandbox_observe(box->sb, &observer, &box->error), 0);
    CALL(box, "Ask", value_u64(SYS_GETPID));
    assert_int_equal(hl_sandbox_unobserve(box->sb, &observer, &box->error), 0);
    assert_int_equal(answer, -ENOSYS);
}

static void test_faults_are_its_own(void **state)
{
    struct box *box = *state;
    open_with(box, &none);
    assert_int_equal(CALL(box, "Trap", value_i32(3))->i32, 3);
    assert_int_equal(none_of(box->sb)->traps, 3);
    hl_sandbox_destroy(box->sb);
    box->sb = NULL;
    open_with(box, NULL);
    assert_int_equal(TRY(box, "Trap", value_i32(1)), HL_ERR_FAULT);
}

/* The state goes with snapshots and their clones, and is freed with each sandbox. */
static void test_snapshots_have_the_state(void **state)
{
    struct box *box = *state;
    struct hl_sandbox *clone;
    struct hl_snapshot *snapshot;
    unsigned before = freed, begins = begun;
    open_with(box, &none);
    CALL(box, "Ask", value_u64(1));
    assert_int_equal(hl_snapshot_take(&snapshot, box->sb, &box->error), 0);
    assert_int_equal(begun, begins + 1);
    CALL(box, "Ask", value_u64(2));
    assert_int_equal(none_of(box->sb)->calls, 2);
    assert_int_equal(hl_sandbox_restore(box->sb, snapshot, &box->error), 0);
    assert_int_equal(none_of(box->sb)->calls, 1);
    assert_int_equal(hl_sandbox_create_from(&clone, snapshot, NULL, &box->error), 0);
    assert_ptr_equal(clone->personality, &none);
    assert_int_equal(none_of(clone)->calls, 1);
    assert_ptr_not_equal(none_of(clone), none_of(box->sb));
    hl_sandbox_destroy(clone);
    assert_int_equal(freed, before + 1);
    hl_snapshot_destroy(snapshot);
}

/* A signal that nobody answers ends the guest; there is no page to lend. */
static void test_a_debugger_gets_by(void **state)
{
    struct box *box = *state;
    uint64_t address;
    struct gdb_region region;
    open_with(box, &none);
    assert_int_equal(debug_create(box->sb, NULL, NULL, &box->error), 0);
    struct hl_debug *d = debug_of(box->sb);
    debug_ops.attach(d);
    assert_int_not_equal(debug_allocate(d, PAGE, HL_PROT_READ, &address), 0);
    hl_gva_t heap = hl_sandbox_region(box->sb, REGION_HEAP)->start;
    assert_int_equal(debug_memory_region(d, heap, &region), 0);
    assert_int_equal(region.access, 0);
    debug_ops.detach(d);
    unsigned wakes = woken;
    sandbox_kick(box->sb);
    assert_int_equal(woken, wakes + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOX_TEST(test_no_call_is_known),   BOX_TEST(test_observers_see_the_answer),
        BOX_TEST(test_faults_are_its_own), BOX_TEST(test_snapshots_have_the_state),
        BOX_TEST(test_a_debugger_gets_by),
    };
    watchdog(60);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
