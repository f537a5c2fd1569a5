/* SPDX-License-Identifier: Apache-2.0 */
/* scripted.c - see scripted.h. */
#include "scripted.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hl/abi.h>
#include <hl/gdb_amd64.h>

#include "x86.h"

#define PATIENCE 10 /* seconds */
#define PAGE_ADDRESS 0x000ffffffffff000ull
#define XCR0_BASIC 7ull /* x87, SSE, AVX */
#define XCR0_AVX512 0xe0ull

enum { INT_IMM8 = 0xcd };

static const struct scripted_player *player;

void scripted_set_player(const struct scripted_player *p)
{
    player = p;
}

/* ---- the processor ---- */

static int cpu(struct vcpu_cpu *c, struct hl_error *error)
{
    uint32_t offset[GDB_XSAVE_COMPONENTS];
    (void)error;
    gdb_xsave_offsets(offset); /* where the components lie is the real processor's to say */
    *c = player ? player->cpu
                : (struct vcpu_cpu){.xcr0 = XCR0_BASIC | (offset[5] ? XCR0_AVX512 : 0)};
    return 0;
}

static unsigned features(void)
{
    return HL_FEATURE_FSGSBASE;
}

static int create(struct hl_vcpu **vcpu, const struct backend_setup *setup, struct hl_error *error)
{
    struct hl_vcpu *v = calloc(1, sizeof(*v));
    if (!v)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    v->setup = *setup;
    v->regs.rflags = RFLAGS_FIXED;
    v->xsave[0] = 0x7f; /* FCW 0x37f, MXCSR 0x1f80: what a processor starts with */
    v->xsave[1] = 0x03;
    v->xsave[24] = 0x80;
    v->xsave[25] = 0x1f;
    *vcpu = v;
    return 0;
}

static void destroy(struct hl_vcpu *v)
{
    pthread_cond_destroy(&v->changed);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

static void settle(struct hl_vcpu *v)
{
    if (v->unanswered)
        return;
    v->regs.rip += v->unsettled;
    v->unsettled = 0;
}

/* ---- runs ---- */

/* Wait for the test, which plays the guest. */
static int run_played(struct hl_vcpu *v, struct hl_exit *exit, struct vcpu_trap *trap,
                      struct hl_error *error)
{
    pthread_mutex_lock(&v->lock);
    bool kicked = v->kicked;
    v->kicked = false;
    if (kicked) {
        *exit = (struct hl_exit){.kind = HL_EXIT_INTERRUPT};
    } else if (!v->abandoned) {
        v->inside = true;
        v->entries++;
        pthread_cond_broadcast(&v->changed);
        while (v->inside)
            pthread_cond_wait(&v->changed, &v->lock);
        v->deaf = false;
        *exit = v->exit;
        *trap = v->trap;
    }
    int rc = v->abandoned && !kicked ? HL_ERR_KVM : 0;
    pthread_mutex_unlock(&v->lock);
    return rc ? hl_error_set(error, rc, "the test is over") : 0;
}

static int run(struct hl_vcpu *v, struct hl_exit *exit, struct vcpu_trap *trap,
               struct hl_error *error)
{
    v->unanswered = false;
    settle(v);
    v->stepless = false;
    return player ? player->run(v, exit, error) : run_played(v, exit, trap, error);
}

static void kick(struct hl_vcpu *v)
{
    pthread_mutex_lock(&v->lock);
    if (v->inside && !v->deaf) {
        v->exit = (struct hl_exit){.kind = HL_EXIT_INTERRUPT};
        v->trap = (struct vcpu_trap){.by_exit = false};
        v->inside = false;
    } else {
        v->kicked = true;
    }
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

static int syscall_result(struct hl_vcpu *v, uint64_t rax)
{
    v->regs.rax = rax;
    return 0;
}

static int answer(struct hl_vcpu *v, const void *data, size_t size)
{
    if (!v->unanswered)
        return HL_ERR_STATE;
    v->unanswered = false;
    memcpy(&v->regs.rax, data, size < sizeof(v->regs.rax) ? size : sizeof(v->regs.rax));
    return 0;
}

/* ---- its state ---- */

static int get_regs(struct hl_vcpu *v, struct hl_regs *regs, struct hl_error *error)
{
    (void)error;
    settle(v);
    *regs = v->regs;
    regs->fs_base = regs->gs_base = 0;
    return 0;
}

static int set_regs(struct hl_vcpu *v, const struct hl_regs *regs, struct hl_error *error)
{
    uint64_t fs = v->regs.fs_base, gs = v->regs.gs_base;
    (void)error;
    settle(v);
    v->regs = *regs;
    v->regs.fs_base = fs;
    v->regs.gs_base = gs;
    return 0;
}

static int get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error)
{
    (void)error;
    *fs = v->regs.fs_base;
    *gs = v->regs.gs_base;
    return 0;
}

static int set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error)
{
    (void)error;
    v->regs.fs_base = fs;
    v->regs.gs_base = gs;
    return 0;
}

static int get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error)
{
    (void)error;
    *system = (struct vcpu_system){
        .cs = USER_CS,
        .ss = USER_DS,
        .ds = USER_DS,
        .es = USER_DS,
        .fs = 0x11,
        .gs = 0x12,
        .cr0 = 0x80050033,
        .cr2 = v->cr2,
        .cr3 = v->setup.tables->root,
        .cr4 = 0x50620,
        .cr8 = 8,
        .efer = 0xd01,
    };
    return 0;
}

static uint64_t xcr0(const struct hl_vcpu *v)
{
    struct vcpu_cpu c;
    (void)v;
    cpu(&c, NULL);
    return c.xcr0;
}

static size_t xsave_size(const struct hl_vcpu *v)
{
    return player ? player->xsave_size : sizeof(v->xsave);
}

static int get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error)
{
    (void)error;
    memcpy(area, v->xsave, xsave_size(v));
    return 0;
}

static int set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error)
{
    (void)error;
    settle(v);
    memcpy(v->xsave, area, xsave_size(v));
    return 0;
}

static int save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error)
{
    const size_t size = xsave_size(v);
    struct vcpu_state *s = v->stepless ? NULL : calloc(1, sizeof(*s) + size);
    if (!s)
        return v->stepless ? hl_error_set(error, HL_ERR_STATE, "the guest is not at rest")
                           : hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    settle(v);
    s->regs = v->regs;
    s->cr2 = v->cr2;
    s->ds = s->es = USER_DS;
    s->xsave_size = (uint32_t)size;
    memcpy(s->xsave, v->xsave, size);
    *state = s;
    return 0;
}

static int restore(struct hl_vcpu *v, const struct vcpu_state *state, bool thorough,
                   struct hl_error *error)
{
    (void)thorough;
    if (state->xsave_size != xsave_size(v))
        return hl_error_set(error, HL_ERR_STATE, "vector state of another processor");
    v->regs = state->regs;
    v->cr2 = state->cr2;
    memcpy(v->xsave, state->xsave, state->xsave_size);
    v->unsettled = 0;
    v->unanswered = v->stepless = false;
    return 0;
}

/* It walks the tables each time, so it has nothing to forget. */
static void changed(struct hl_vcpu *v, hl_gva_t gva, hl_gpa_t gpa, size_t size)
{
    if (size && (gva % 4096 || gpa % 4096 || size % 4096 || gva + size <= gva || v->inside))
        abort();
}

static bool log_start(struct hl_vcpu *v)
{
    (void)v;
    return false; /* every restore looks at all pages */
}

static bool log_pages(struct hl_vcpu *v, uint64_t *bits)
{
    (void)v;
    (void)bits;
    return false;
}

static int arm(struct hl_vcpu *v, const struct vcpu_debug *d, struct hl_error *error)
{
    (void)error;
    v->debug = *d;
    return 0;
}

static bool can_step(const struct hl_vcpu *v)
{
    return !v->stepless;
}

const struct backend scripted_backend = {
    .name = "scripted",
    .own = {SCRIPTED_OWN, 0x1000, "a script"},
    .cpu = cpu,
    .features = features,
    .create = create,
    .destroy = destroy,
    .run = run,
    .syscall_result = syscall_result,
    .answer = answer,
    .get_regs = get_regs,
    .set_regs = set_regs,
    .get_bases = get_bases,
    .set_bases = set_bases,
    .get_system = get_system,
    .xcr0 = xcr0,
    .xsave_size = xsave_size,
    .xsave_used = xsave_size,
    .get_xsave = get_xsave,
    .set_xsave = set_xsave,
    .save = save,
    .restore = restore,
    .changed = changed,
    .log_start = log_start,
    .log_read = log_pages,
    .log_clear = log_pages,
    .arm = arm,
    .can_step = can_step,
    .kick = kick,
};

/* ---- exits ---- */

struct hl_exit scripted_io(struct hl_vcpu *v, uint16_t port, uint8_t size, bool in)
{
    v->unanswered = in;
    return (struct hl_exit){.kind = HL_EXIT_IO,
                            .io = {.port = port, .size = size, .in = in, .count = 1}};
}

struct hl_exit scripted_mmio_read(struct hl_vcpu *v, hl_gpa_t gpa, uint8_t size)
{
    v->unanswered = true;
    return (struct hl_exit){.kind = HL_EXIT_MMIO, .mmio = {.gpa = gpa, .size = size}};
}

struct hl_exit scripted_syscall_exit(struct hl_vcpu *v)
{
    const struct hl_regs *r = &v->regs;
    v->stepless = true;
    return (struct hl_exit){
        .kind = HL_EXIT_SYSCALL,
        .syscall = {.number = r->rax, .arg = {r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9}}};
}

struct hl_exit scripted_fault(struct hl_vcpu *v, unsigned vector, uint32_t error_code)
{
    v->stepless = true;
    return (struct hl_exit){.kind = HL_EXIT_FAULT,
                            .fault = {.vector = vector,
                                      .error_code = x86_has_error_code(vector) ? error_code : 0,
                                      .rip = v->regs.rip,
                                      .address = vector == VECTOR_PAGE_FAULT ? v->cr2 : 0}};
}

/* ---- for the test ---- */

bool scripted_enter(struct hl_vcpu *v)
{
    struct timespec until;
    int late = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE;
    pthread_mutex_lock(&v->lock);
    while (!v->inside && !late)
        late = pthread_cond_timedwait(&v->changed, &v->lock, &until);
    bool inside = v->inside;
    pthread_mutex_unlock(&v->lock);
    return inside;
}

bool scripted_inside(struct hl_vcpu *v)
{
    pthread_mutex_lock(&v->lock);
    bool inside = v->inside;
    pthread_mutex_unlock(&v->lock);
    return inside;
}

static void leave_with(struct hl_vcpu *v, const struct hl_exit *exit, const struct vcpu_trap *trap)
{
    pthread_mutex_lock(&v->lock);
    v->exit = *exit;
    v->trap = *trap;
    v->inside = false;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

void scripted_leave(struct hl_vcpu *v, const struct hl_exit *exit)
{
    leave_with(v, exit, &(struct vcpu_trap){.by_exit = false});
}

void scripted_deafen(struct hl_vcpu *v)
{
    pthread_mutex_lock(&v->lock);
    v->deaf = true;
    pthread_mutex_unlock(&v->lock);
}

void scripted_abandon(struct hl_vcpu *v)
{
    pthread_mutex_lock(&v->lock);
    v->abandoned = true;
    v->inside = false;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

void scripted_vector(struct hl_vcpu *v, unsigned vector, uint32_t error_code, uint64_t rip)
{
    v->regs.rip = rip;
    struct hl_exit exit = scripted_fault(v, vector, error_code);
    scripted_leave(v, &exit);
}

void scripted_trap(struct hl_vcpu *v, unsigned vector, uint64_t dr6, uint64_t rip)
{
    uint8_t code = 0;
    pagetable_read(v->setup.tables, rip, &code, sizeof(code), 0);
    v->regs.rip = rip;
    if (vector == VECTOR_BREAKPOINT)
        v->regs.rip += code == INT_IMM8 ? 2 : 1;
    const struct hl_exit exit = {.kind = HL_EXIT_FAULT,
                                 .fault = {.vector = vector, .rip = v->regs.rip}};
    leave_with(v, &exit, &(struct vcpu_trap){.by_exit = true, .dr6 = dr6});
}

void scripted_out(struct hl_vcpu *v, uint16_t port, uint64_t rip, unsigned size, bool past)
{
    v->regs.rip = past ? rip + size : rip;
    v->unsettled = past ? 0 : size;
    struct hl_exit exit = scripted_io(v, port, 1, false);
    scripted_leave(v, &exit);
}

void scripted_syscall(struct hl_vcpu *v, uint64_t rip)
{
    v->regs.rip = v->regs.rcx = rip + 2;
    v->regs.r11 = v->regs.rflags;
    struct hl_exit exit = scripted_syscall_exit(v);
    scripted_leave(v, &exit);
}

unsigned scripted_prot(const struct hl_vcpu *v, uint64_t gva)
{
    const uint64_t present = 1, writable = 2, user = 4, no_exec = 1ull << 63;
    uint64_t table = v->setup.tables->root, entry = 0;
    for (int level = 3; level >= 0; level--) {
        uint64_t at = table + (gva >> (12 + 9 * level)) % 512 * 8;
        memcpy(&entry, v->setup.memory + at, sizeof(entry));
        if (!(entry & present) || !(entry & user))
            return 0;
        table = entry & PAGE_ADDRESS;
    }
    return HL_PROT_READ | (entry & writable ? HL_PROT_WRITE : 0u) |
           (entry & no_exec ? 0u : HL_PROT_EXEC);
}
