/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that failed stays as it was: registers, memory, backtrace, core file, until restored. */
#include "box.h"
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <hl/core.h>
#include <hl/snapshot.h>
#include <hl/symbols.h>

static struct hl_value text;

static int hook(void *opaque, const struct hl_value *args, size_t count, struct hl_value *result,
                struct hl_error *error)
{
    struct box *box = opaque;
    (void)count;
    (void)error;
    if (args[0].i32 == 1) /* it is about to spin */
        hl_sandbox_interrupt(box->sb);
    result->i32 = 0;
    return 0;
}

static size_t read_guest(void *machine, hl_gva_t gva, void *buf, size_t size)
{
    return hl_machine_read(machine, gva, buf, size, HL_PROT_READ);
}

/* Is function on the stack, with a name and a line? */
static bool on_the_stack(struct box *box, const char *function, const struct hl_regs *regs,
                         bool past)
{
    struct hl_symbols *symbols;
    struct hl_frame frame[32];
    bool found = false;
    assert_int_equal(hl_symbols_open(&symbols, box->image, &box->error), 0);
    size_t n = hl_symbols_backtrace(symbols, regs, past, read_guest, hl_sandbox_machine(box->sb),
                                    frame, COUNT(frame));
    for (size_t i = 0; i < n; i++)
        found |= frame[i].location.function && frame[i].location.line &&
                 strcmp(frame[i].location.function, function) == 0;
    hl_symbols_close(symbols);
    return found;
}

static void expect_core(struct box *box)
{
    char path[SCRATCH_MAX];
    scratch_file(path, "", 0);
    if (hl_sandbox_core(box->sb, path, &box->error))
        fail_msg("%s", box->error.text);
    struct bytes core = bytes_read(path);
    unlink(path);
    assert_true(core.size > (1 << 20)); /* the stack alone */
    assert_memory_equal(core.data, "\177ELF", 4);
    free(core.data);
}

/* Twice: looking changes nothing. */
static void expect_inspectable(struct box *box, const char *function, bool past)
{
    struct hl_machine *m = hl_sandbox_machine(box->sb);
    struct hl_regs first, regs;
    const struct hl_region *stack = hl_sandbox_region(box->sb, 4);
    uint64_t word;
    assert_int_equal(hl_machine_get_regs(m, &first, &box->error), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(hl_sandbox_state(box->sb), HL_SANDBOX_POISONED);
        assert_int_equal(hl_machine_get_regs(m, &regs, &box->error), 0);
        assert_memory_equal(&regs, &first, sizeof(regs));
        assert_string_equal(stack->name, "stack");
        assert_in_range(regs.rsp, stack->start, stack->start + stack->size);
        assert_int_equal(hl_machine_read(m, regs.rsp, &word, 8, HL_PROT_READ), 8);
        assert_int_equal(hl_machine_read(m, regs.rip, &word, 1, HL_PROT_EXEC), 1);
        assert_true(on_the_stack(box, function, &regs, past));
        expect_core(box);
        assert_int_equal(TRY0(box, "Count"), HL_ERR_STATE);
    }
}

static void test_every_end(void **state)
{
    struct box *box = *state;
    text = value_string("enough");
    const struct {
        const char *function;
        struct hl_value args[2];
        size_t count;
        int rc;
        unsigned vector; /* 99: no fault */
    } ends[] = {
        {"Divide", {{0}}, 0, HL_ERR_FAULT, 0},
        {"Read", {value_u64(0x10)}, 1, HL_ERR_FAULT, 14},
        {"Privileged", {{0}}, 0, HL_ERR_FAULT, 13},
        {"Breakpoint", {{0}}, 0, HL_ERR_FAULT, 3},
        {"Abort", {value_i32(4), text}, 2, HL_ERR_GUEST_ABORT, 99},
        {"LibcAbort", {{0}}, 0, HL_ERR_GUEST_ABORT, 99},
        {"Spin", {{0}}, 0, HL_ERR_INTERRUPTED, 99},
    };
    struct hl_snapshot *s;
    box_create(box, "trouble", (struct hl_sandbox_config)HL_SANDBOX_CONFIG_INIT);
    box_register(box, "HostHook", "i32(i32)", hook, box);
    box_start(box);
    assert_int_equal(hl_snapshot_take(&s, box->sb, &box->error), 0);
    for (size_t i = 0; i < COUNT(ends); i++) {
        int rc = box_try(box, ends[i].function, ends[i].args, ends[i].count);
        const struct hl_fault *fault = hl_sandbox_fault(box->sb);
        assert_int_equal(rc, ends[i].rc);
        /* rip is past an int3, and past what aborts */
        expect_inspectable(box, ends[i].function, rc == HL_ERR_GUEST_ABORT || ends[i].vector == 3);
        assert_int_equal(fault ? fault->vector : 99, ends[i].vector);
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
        assert_null(hl_sandbox_fault(box->sb));
        assert_int_equal(CALL0(box, "Count")->i32, 1);
        assert_int_equal(hl_sandbox_restore(box->sb, s, &box->error), 0);
    }
    hl_snapshot_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {BOX_TEST(test_every_end)};
    watchdog(30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
