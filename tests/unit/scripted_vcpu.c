/* SPDX-License-Identifier: Apache-2.0 */
#include "scripted_vcpu.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hl/gdb_amd64.h>

#include "shim.h"
#include "x86.h"

#define PATIENCE 10 /* seconds */
#define PAGE_ADDRESS 0x000ffffffffff000ull
#define XCR0_BASIC 7ull /* x87, SSE, AVX */
#define XCR0_AVX512 0xe0ull
#define TF 0x100ull

/* ---- the backend ---- */

static int create(struct hl_vcpu **vcpu, const struct vcpu_setup *setup, struct hl_error *error)
{
    struct hl_vcpu *v = calloc(1, sizeof(*v));
    (void)error;
    if (!v)
        return HL_ERR_MEMORY;
    pthread_mutex_init(&v->lock, NULL);
    pthread_cond_init(&v->changed, NULL);
    v->setup = *setup;
    v->regs.rflags = 0x202;
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

static bool in_shim(const struct hl_vcpu *v)
{
    return v->regs.rip - SHIM_GVA < SHIM_SIZE;
}

/* The shim's pages are the first of the memory. */
static struct shim_frame *frame(const struct hl_vcpu *v)
{
    uint8_t *top = (uint8_t *)v->setup.memory + SHIM_STACK_TOP;
    return (struct shim_frame *)(void *)(top - sizeof(struct shim_frame));
}

static void iretq(struct hl_vcpu *v)
{
    const struct shim_frame *f = frame(v);
    v->regs.rip = f->rip;
    v->regs.rsp = f->rsp;
    v->regs.rflags = f->rflags;
}

static int run(struct hl_vcpu *v, bool whole, struct vcpu_exit *exit, struct hl_error *error)
{
    pthread_mutex_lock(&v->lock);
    bool kicked = v->kicked && !whole;
    v->kicked &= whole;
    v->regs.rip += v->unsettled;
    v->unsettled = 0;
    if (kicked) {
        *exit = (struct vcpu_exit){.kind = VCPU_INTERRUPT};
    } else if (!v->abandoned) {
        if (in_shim(v))
            iretq(v);
        v->inside = true;
        v->entries++;
        pthread_cond_broadcast(&v->changed);
        while (v->inside)
            pthread_cond_wait(&v->changed, &v->lock);
        v->deaf = false;
        *exit = v->exit;
    }
    int rc = v->abandoned && !kicked ? HL_ERR_KVM : 0;
    pthread_mutex_unlock(&v->lock);
    return rc ? hl_error_set(error, rc, "the test is over") : 0;
}

static int settle(struct hl_vcpu *v, struct hl_error *error)
{
    (void)error;
    v->regs.rip += v->unsettled;
    v->unsettled = 0;
    return 0;
}

static struct vcpu_regs *get_regs(struct hl_vcpu *v, struct hl_error *error)
{
    (void)error;
    return &v->regs;
}

static void regs_changed(struct hl_vcpu *v)
{
    (void)v;
}

static int get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error)
{
    (void)error;
    *fs = v->fs_base;
    *gs = v->gs_base;
    return 0;
}

static int set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error)
{
    (void)error;
    v->fs_base = fs;
    v->gs_base = gs;
    return 0;
}

static int get_cr2(struct hl_vcpu *v, uint64_t *cr2, struct hl_error *error)
{
    (void)error;
    *cr2 = v->cr2;
    return 0;
}

static int get_system(struct hl_vcpu *v, struct vcpu_system *system, struct hl_error *error)
{
    (void)error;
    *system = (struct vcpu_system){
        .cs = in_shim(v) ? SHIM_KERNEL_CS : USER_CS,
        .ss = in_shim(v) ? SHIM_KERNEL_DS : USER_DS,
        .ds = USER_DS,
        .es = USER_DS,
        .fs = 0x11,
        .gs = 0x12,
        .cr0 = 0x80050033,
        .cr2 = v->cr2,
        .cr3 = v->setup.page_table,
        .cr4 = 0x50620,
        .cr8 = 8,
        .efer = 0xd01,
    };
    return 0;
}

/* Where the components lie is the real processor's to say. */
static uint64_t xcr0(const struct hl_vcpu *v)
{
    uint32_t offset[GDB_XSAVE_COMPONENTS];
    (void)v;
    gdb_xsave_offsets(offset);
    return XCR0_BASIC | (offset[5] ? XCR0_AVX512 : 0);
}

static size_t xsave_size(const struct hl_vcpu *v)
{
    return sizeof(v->xsave);
}

static int get_xsave(struct hl_vcpu *v, void *area, struct hl_error *error)
{
    (void)error;
    memcpy(area, v->xsave, sizeof(v->xsave));
    return 0;
}

static int set_xsave(struct hl_vcpu *v, const void *area, struct hl_error *error)
{
    (void)error;
    memcpy(v->xsave, area, sizeof(v->xsave));
    return 0;
}

static int save(struct hl_vcpu *v, struct vcpu_state **state, struct hl_error *error)
{
    struct vcpu_state *s = calloc(1, sizeof(*s) + sizeof(v->xsave));
    if (!s)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    s->regs = v->regs;
    s->fs_base = v->fs_base;
    s->gs_base = v->gs_base;
    s->xsave_size = sizeof(v->xsave);
    memcpy(s->xsave, v->xsave, sizeof(v->xsave));
    *state = s;
    return 0;
}

static int restore(struct hl_vcpu *v, const struct vcpu_state *state, bool whole,
                   struct hl_error *error)
{
    (void)whole;
    (void)error;
    v->regs = state->regs;
    v->fs_base = state->fs_base;
    v->gs_base = state->gs_base;
    memcpy(v->xsave, state->xsave, sizeof(v->xsave));
    return 0;
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

static int debug(struct hl_vcpu *v, const struct vcpu_debug *d, struct hl_error *error)
{
    (void)error;
    v->debug = *d;
    return 0;
}

static void answer(struct hl_vcpu *v, const void *data, size_t size)
{
    (void)v;
    (void)data;
    (void)size;
}

static void kick(struct hl_vcpu *v)
{
    pthread_mutex_lock(&v->lock);
    if (v->inside && !v->deaf) {
        v->exit = (struct vcpu_exit){.kind = VCPU_INTERRUPT};
        v->inside = false;
    } else {
        v->kicked = true;
    }
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
}

static int cpu(struct vcpu_cpu *c, struct hl_error *error)
{
    (void)error;
    *c = (struct vcpu_cpu){.xcr0 = XCR0_BASIC};
    return 0;
}

static unsigned features(void)
{
    return HL_FEATURE_FSGSBASE;
}

const struct vcpu_ops scripted_ops = {
    .create = create,
    .destroy = destroy,
    .run = run,
    .settle = settle,
    .regs = get_regs,
    .regs_changed = regs_changed,
    .get_bases = get_bases,
    .set_bases = set_bases,
    .get_cr2 = get_cr2,
    .get_system = get_system,
    .xcr0 = xcr0,
    .xsave_size = xsave_size,
    .xsave_used = xsave_size,
    .get_xsave = get_xsave,
    .set_xsave = set_xsave,
    .save = save,
    .restore = restore,
    .log_start = log_start,
    .log_read = log_pages,
    .log_clear = log_pages,
    .debug = debug,
    .answer = answer,
    .kick = kick,
    .cpu = cpu,
    .features = features,
};

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

void scripted_leave(struct hl_vcpu *v, const struct vcpu_exit *exit)
{
    pthread_mutex_lock(&v->lock);
    v->exit = *exit;
    v->inside = false;
    pthread_cond_broadcast(&v->changed);
    pthread_mutex_unlock(&v->lock);
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

static void push_frame(struct hl_vcpu *v, uint64_t rip)
{
    *frame(v) = (struct shim_frame){
        .rip = rip, .cs = USER_CS, .rflags = v->regs.rflags, .rsp = v->regs.rsp, .ss = USER_DS};
    v->regs.rsp = SHIM_GVA + SHIM_STACK_TOP - sizeof(struct shim_frame);
    v->regs.rflags &= ~TF;
}

static void leave_by_out(struct hl_vcpu *v, uint16_t port)
{
    scripted_leave(
        v, &(struct vcpu_exit){.kind = VCPU_IO, .io = {.port = port, .size = 1, .count = 1}});
}

void scripted_vector(struct hl_vcpu *v, unsigned vector, uint32_t error_code, uint64_t rip)
{
    push_frame(v, rip);
    if (x86_has_error_code(vector)) {
        v->regs.rsp -= 8;
        memcpy((uint8_t *)frame(v) - 8, &(uint64_t){error_code}, 8);
    }
    v->regs.rip = SHIM_GVA + SHIM_CODE + vector * SHIM_STUB_SIZE + SHIM_OUT_SIZE;
    leave_by_out(v, SHIM_PORT_VECTOR);
}

void scripted_trap(struct hl_vcpu *v, unsigned vector, uint64_t dr6, uint64_t rip)
{
    v->regs.rip = rip;
    scripted_leave(
        v, &(struct vcpu_exit){.kind = VCPU_DEBUG, .debug = {.vector = vector, .dr6 = dr6}});
}

void scripted_out(struct hl_vcpu *v, uint16_t port, uint64_t rip, unsigned size, bool behind)
{
    v->regs.rip = behind ? rip + size : rip;
    v->unsettled = behind ? 0 : size;
    leave_by_out(v, port);
}

void scripted_syscall(struct hl_vcpu *v, uint64_t rip, bool as_fault)
{
    v->regs.rcx = rip + 2;
    v->regs.r11 = v->regs.rflags;
    if (as_fault) {
        v->cr2 = v->setup.gate;
        scripted_vector(v, 14, 0x14, v->setup.gate);
        return;
    }
    push_frame(v, rip + 2);
    v->regs.rip = SHIM_GVA + SHIM_CODE + (uint64_t)(hl_shim_gate_out - hl_shim_code);
    v->regs.rip += SHIM_OUT_SIZE;
    leave_by_out(v, SHIM_PORT_SYSCALL);
}

unsigned scripted_prot(const struct hl_vcpu *v, uint64_t gva)
{
    const uint64_t present = 1, writable = 2, user = 4, no_exec = 1ull << 63;
    uint64_t table = v->setup.page_table, entry = 0;
    for (int level = 3; level >= 0; level--) {
        uint64_t at = table + (gva >> (12 + 9 * level)) % 512 * 8;
        memcpy(&entry, (const uint8_t *)v->setup.memory + at, sizeof(entry));
        if (!(entry & present) || !(entry & user))
            return 0;
        table = entry & PAGE_ADDRESS;
    }
    return HL_PROT_READ | (entry & writable ? HL_PROT_WRITE : 0u) |
           (entry & no_exec ? 0u : HL_PROT_EXEC);
}
