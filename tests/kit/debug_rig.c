/* SPDX-License-Identifier: Apache-2.0 */
#include "debug_rig.h"

#include <errno.h>
#include <sys/syscall.h>
#include <time.h>

#include <hl/abi.h>

#include "host_add.h"

#define GUEST_PATH TEST_BUILD "/tests/guest/plain"
#define INT3 0xcc

enum { ADD_RESULT = 3 };

const struct route route_exit = {
    .name = "exit",
    .can = {.step_exit = true, .break_exit = true, .hw_break = true, .hw_watch = true}};
const struct route route_mixed = {.name = "mixed", .can = {.step_exit = true}};
const struct route route_shim = {.name = "shim", .shows_past = true};

/* ---- the hooks and the host function, in the guest's thread: nothing is asserted here ---- */

static bool on_report(void *opaque, const struct gdb_stop *stop)
{
    struct rig *r = opaque;
    int n = atomic_load(&r->reports);
    if (n < REPORTS)
        r->report[n] = *stop;
    atomic_store(&r->reports, n + 1);
    unsigned kinds = atomic_load(&r->unwanted_kinds);
    return !atomic_load(&r->unwanted) && !(kinds >> stop->reason & 1);
}

static void on_console(void *opaque, const void *data, size_t size)
{
    struct rig *r = opaque;
    size_t at = strlen(r->console);
    if (at + size < sizeof(r->console))
        memcpy(r->console + at, data, size);
}

static int host_add(void *opaque, const struct hl_value *args, size_t count,
                    struct hl_value *result, struct hl_error *error)
{
    struct rig *r = opaque;
    if (r->host_does)
        r->host_does(r);
    atomic_store(&r->in_host, true);
    WAIT_WHILE(atomic_load(&r->host_waits));
    atomic_store(&r->in_host, false);
    return kit_host_add(opaque, args, count, result, error);
}

/* ---- the program ---- */

int rig_setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    if (!r)
        return -1;
    r->route = *state;
    *state = r;
    if (hl_image_open(&r->image, GUEST_PATH, &r->error)) {
        printf("# %s\n", r->error.text);
        return -1;
    }
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;
    atomic_store(&r->host_waits, false);
    if (r->d)
        debug_ops.detach(r->d);
    if (r->calling) {
        scripted_abandon(r->v);
        hl_sandbox_interrupt(r->sb);
        pthread_join(r->thread, NULL);
    }
    hl_sandbox_destroy(r->sb);
    hl_image_close(r->image);
    free(r);
    return 0;
}

static void find_segments(struct rig *r)
{
    for (size_t i = 0; i < hl_image_segment_count(r->image); i++) {
        const struct hl_segment *s = hl_image_segment(r->image, i);
        if (s->prot & HL_PROT_EXEC)
            r->text = s->start;
        else if (s->prot & HL_PROT_WRITE)
            r->data = s->start;
    }
    const struct hl_region *stack = hl_sandbox_region(r->sb, REGION_STACK);
    r->stack = stack->start + stack->size / 2;
    r->pc = r->text;
}

void rig_create(struct rig *r, const struct hl_debug_config *config)
{
    if (sandbox_create(&r->sb, r->image, NULL,
                       &(struct sandbox_parts){.backend = &scripted_backend}, &r->error))
        fail_msg("%s", r->error.text);
    if (hl_sandbox_register(r->sb, "HostAdd", "i32(i32, i32)", host_add, r, &r->error))
        fail_msg("%s", r->error.text);
    r->v = r->sb->machine->vcpu;
    find_segments(r);
    if (debug_create(r->sb, config, &r->route->can, &r->error))
        fail_msg("%s", r->error.text);
    r->d = debug_of(r->sb);
    bind_hooks_of(r);
}

static void *run_start(void *opaque)
{
    struct rig *r = opaque;
    r->rc = hl_sandbox_start(r->sb, &r->call_error);
    atomic_store(&r->over, true);
    return NULL;
}

static void *run_call(void *opaque)
{
    struct rig *r = opaque;
    const struct hl_value args[] = {hl_i32(1), hl_i32(2)};
    r->rc = hl_sandbox_call(r->sb, "Add", args, 2, &r->result, &r->call_error);
    atomic_store(&r->over, true);
    return NULL;
}

static void begin(struct rig *r, void *(*run)(void *))
{
    assert_false(r->calling);
    atomic_store(&r->over, false);
    memset(&r->call_error, 0, sizeof(r->call_error));
    thread_begin(&r->thread, run, r);
    r->calling = true;
}

void call_start(struct rig *r)
{
    begin(r, run_start);
}

void call_begin(struct rig *r)
{
    begin(r, run_call);
}

void call_over(struct rig *r, int rc)
{
    WAIT_FOR(atomic_load(&r->over));
    pthread_join(r->thread, NULL);
    r->calling = false;
    if (r->rc != rc)
        print_message("# the call: %d, %s\n", r->rc, r->call_error.text);
    assert_int_equal(r->rc, rc);
}

static void wait_for_call(struct rig *r, enum hl_message_kind kind)
{
    assert_true(scripted_enter(r->v));
    r->sb->output->message = (struct hl_message){
        .kind = kind, .count = 1, .slot[0] = {.type = HL_I32, .bits = ADD_RESULT}};
    play_out(r, r->pc, HL_PORT_WAIT);
}

void call_end(struct rig *r)
{
    wait_for_call(r, HL_MSG_RESULT);
    call_over(r, 0);
    assert_int_equal(r->result.i32, ADD_RESULT);
}

void rig_start(struct rig *r)
{
    call_start(r);
    wait_for_call(r, HL_MSG_READY);
    call_over(r, 0);
}

void rig_open(struct rig *r)
{
    rig_create(r, NULL);
    rig_start(r);
}

static bool look(struct rig *r, const bool *flag)
{
    pthread_mutex_lock(&r->d->lock);
    bool is = *flag;
    pthread_mutex_unlock(&r->d->lock);
    return is;
}

bool is_waiting(struct rig *r)
{
    return look(r, &r->d->waiting);
}

bool is_parked(struct rig *r)
{
    return look(r, &r->d->parked);
}

bool has_event(struct rig *r)
{
    return look(r, &r->d->event_set);
}

/* ---- the guest ---- */

unsigned entries(struct rig *r)
{
    pthread_mutex_lock(&r->v->lock);
    unsigned n = r->v->entries;
    pthread_mutex_unlock(&r->v->lock);
    return n;
}

void entered_again(struct rig *r, unsigned before)
{
    WAIT_FOR(scripted_inside(r->v) && entries(r) > before);
}

hl_gva_t put_code(struct rig *r, size_t offset, const void *code, size_t size)
{
    assert_int_equal(hl_machine_write(r->sb->machine, r->text + offset, code, size, 0), size);
    return r->text + offset;
}

void entered_at(struct rig *r, hl_gva_t pc)
{
    assert_true(scripted_enter(r->v));
    assert_int_equal(r->v->regs.rip, pc);
}

bool is_stepping(const struct rig *r)
{
    return r->v->debug.step || (r->v->regs.rflags & TF);
}

uint8_t seen(const struct rig *r, hl_gva_t at)
{
    uint8_t byte = 0;
    assert_int_equal(hl_machine_read(r->sb->machine, at, &byte, 1, 0), 1);
    return byte;
}

void play_late_int3(struct rig *r, hl_gva_t pc)
{
    if (r->v->debug.sw_break)
        scripted_trap(r->v, VECTOR_BREAKPOINT, 0, pc);
    else
        scripted_vector(r->v, VECTOR_BREAKPOINT, 0, pc + 1);
}

void play_int3(struct rig *r, hl_gva_t pc)
{
    assert_int_equal(seen(r, pc), INT3);
    play_late_int3(r, pc);
}

static bool slots_armed(const struct rig *r)
{
    for (unsigned i = 0; i < VCPU_SLOTS; i++)
        if (r->v->debug.slot[i].kind != VCPU_SLOT_OFF)
            return true;
    return false;
}

/* A trap by the guest's own TF is KVM's, too, while debug registers are armed. */
void play_trap(struct rig *r, hl_gva_t next, uint64_t bits)
{
    if (r->v->debug.step || slots_armed(r))
        scripted_trap(r->v, VECTOR_DEBUG, DR6_BS | bits, next);
    else
        scripted_vector(r->v, VECTOR_DEBUG, 0, next);
}

void play_step_and(struct rig *r, hl_gva_t next, uint64_t bits)
{
    assert_true(is_stepping(r));
    play_trap(r, next, bits);
}

void play_step(struct rig *r, hl_gva_t next)
{
    play_step_and(r, next, 0);
}

void play_slots(struct rig *r, hl_gva_t pc, uint64_t dr6)
{
    scripted_trap(r->v, VECTOR_DEBUG, dr6, pc);
}

void play_fault(struct rig *r, hl_gva_t pc, unsigned vector, uint32_t code, uint64_t address)
{
    if (vector == VECTOR_PAGE_FAULT)
        r->v->cr2 = address;
    scripted_vector(r->v, vector, code, pc);
}

void play_out(struct rig *r, hl_gva_t pc, uint16_t port)
{
    unsigned size = seen(r, pc) == 0xe6 ? 2 : 1;
    scripted_out(r->v, port, pc, size, r->route->shows_past);
}

void play_syscall(struct rig *r, hl_gva_t pc, uint64_t number)
{
    r->v->regs.rax = number;
    scripted_syscall(r->v, pc);
}

void play_host_call(struct rig *r, hl_gva_t pc)
{
    r->sb->output->message = (struct hl_message){
        .kind = HL_MSG_CALL,
        .count = 2,
        .slot = {{.type = HL_I32, .bits = 1}, {.type = HL_I32, .bits = 2}},
    };
    play_out(r, pc, HL_PORT_CALL);
}

/* The first byte of the range that ring 3 cannot reach: a #PF there. */
static bool reach(struct rig *r, hl_gva_t pc, hl_gva_t at, size_t size, unsigned prot)
{
    for (size_t i = 0; i < size; i++) {
        unsigned have = scripted_prot(r->v, at + i);
        if (have & prot)
            continue;
        play_fault(r, pc, VECTOR_PAGE_FAULT,
                   4u | (prot == HL_PROT_WRITE ? 2u : 0) | (have ? 1u : 0), at + i);
        return false;
    }
    return true;
}

bool play_write(struct rig *r, hl_gva_t pc, hl_gva_t at, const void *data, size_t size)
{
    if (!reach(r, pc, at, size, HL_PROT_WRITE))
        return false;
    assert_int_equal(hl_machine_write(r->sb->machine, at, data, size, 0), size);
    return true;
}

bool play_read(struct rig *r, hl_gva_t pc, hl_gva_t at, size_t size)
{
    return reach(r, pc, at, size, HL_PROT_READ);
}

/* ---- the debugger ---- */

void bind_hooks_of(struct rig *r)
{
    const struct gdb_hooks hooks = {on_report, on_console, r};
    assert_int_equal(debug_ops.bind(r->d, &hooks), 0);
}

void expect_step(struct rig *r, hl_gva_t pc)
{
    struct gdb_stop stop = take(r);
    assert_int_equal(stop.reason, GDB_STOP_STEP);
    assert_int_equal(reg(r, GDB_AMD64_RIP), pc);
    assert_int_equal(reg(r, GDB_AMD64_EFLAGS) & TF, 0);
    expect_nothing(r);
}

void begin_attached(struct rig *r)
{
    rig_open(r);
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
}

void begin_held(struct rig *r)
{
    begin_attached(r);
    debug_ops.interrupt(r->d);
    expect_signal(r, GDB_SIGNAL_INT);
}
