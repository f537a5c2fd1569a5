/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug_rig.h - a sandbox on a scripted backend, with a debug target whose server is the test.
 *
 * The test plays both ends: the guest's instructions (play_*), which come out by the route of the
 * KVM in question, and the debugger (debug_ops).  The call itself runs in a thread of its own.
 */
#ifndef TESTS_DEBUG_RIG_H
#define TESTS_DEBUG_RIG_H

#include "debugger.h"
#include "machine_impl.h"
#include "scripted.h"
#include "thread.h"
#include "x86.h"

#define DR6_B(slot) (1ull << (slot))
#define DR6_BS (1ull << 14)
#define REPORTS 16

/* How a KVM behaves, as recorded (docs/kvm.md). */
struct route {
    const char *name;
    struct hl_debug_abilities can;
    bool shows_past; /* rip is past an `out` at once */
};
extern const struct route route_exit, route_mixed, route_shim;

struct rig {
    const struct route *route;
    struct hl_image *image;
    struct hl_sandbox *sb;
    struct hl_debug *d;
    struct hl_vcpu *v;
    struct hl_error error;
    hl_gva_t text, data, stack; /* of the guest: pages that the tests may fill at will */
    hl_gva_t pc;                /* where the guest's play goes on */

    pthread_t thread; /* of the call */
    bool calling;
    atomic_bool over; /* it has returned: */
    int rc;
    struct hl_value result;
    struct hl_error call_error;

    /* the hooks, in the guest's thread */
    atomic_bool unwanted;            /* what report answers */
    _Atomic unsigned unwanted_kinds; /* ... 1 << reason: to hits of these kinds only */
    atomic_int reports;
    struct gdb_stop report[REPORTS];
    char console[256];

    /* HostAdd */
    atomic_bool in_host, host_waits;
    void (*host_does)(struct rig *r);
};

#define ON(test, route)                                                                            \
    {                                                                                              \
#test " (" #route ")", test, rig_setup, rig_teardown, (void *)&route_##route               \
    }
/* KVM_EXIT_DEBUG for all; for steps, but int3 by the IDT; the shim's vectors for all. */
#define ON_ALL_ROADS(test) ON(test, exit), ON(test, mixed), ON(test, shim)

int rig_setup(void **state);
int rig_teardown(void **state);

/* ---- the program */

/* A sandbox that is NEW, with a target. */
void rig_create(struct rig *r, const struct hl_debug_config *config);
/* ... and its start, played until it has returned; what an attached debugger may do to it is not.
 */
void rig_start(struct rig *r);
/* ... both, without a hold. */
void rig_open(struct rig *r);
/* Start, or call Add(1, 2), in a thread. */
void call_start(struct rig *r);
void call_begin(struct rig *r);
/* The call has returned, with this. */
void call_over(struct rig *r, int rc);
/* The guest sends its result, and the call returns. */
void call_end(struct rig *r);
/* A thread waits: for its call to begin, or in the middle of one. */
bool is_waiting(struct rig *r);
bool is_parked(struct rig *r);
/* A stop is there, to be taken. */
bool has_event(struct rig *r);

/* ---- the guest */

/* How often it has been entered, and wait for the next time after so many. */
unsigned entries(struct rig *r);
void entered_again(struct rig *r, unsigned before);

/* Instructions at text + offset. */
hl_gva_t put_code(struct rig *r, size_t offset, const void *code, size_t size);
#define CODE_AT(r, offset, ...)                                                                    \
    put_code(r, offset, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Wait for the guest to be entered; it stands at the address then. */
void entered_at(struct rig *r, hl_gva_t pc);
/* Was it entered to execute one instruction? */
bool is_stepping(const struct rig *r);
/* What its processor finds in memory. */
uint8_t seen(const struct rig *r, hl_gva_t at);
/* It comes to the int3 at pc, which is ours or its own. */
void play_int3(struct rig *r, hl_gva_t pc);
/* It came to one that was there when KVM looked. */
void play_late_int3(struct rig *r, hl_gva_t pc);
/* The instruction it was entered to step is done. */
void play_step(struct rig *r, hl_gva_t next);
/* ... with the debug register's bits beside BS. */
void play_step_and(struct rig *r, hl_gva_t next, uint64_t bits);
/* ... though TF has gone from its flags meanwhile. */
void play_trap(struct rig *r, hl_gva_t next, uint64_t bits);
/* A debug register's trap. */
void play_slots(struct rig *r, hl_gva_t pc, uint64_t dr6);
void play_fault(struct rig *r, hl_gva_t pc, unsigned vector, uint32_t code, uint64_t address);
/* One byte by an `out` of one byte (ee), or of two (e6). */
void play_out(struct rig *r, hl_gva_t pc, uint16_t port);
void play_syscall(struct rig *r, hl_gva_t pc, uint64_t number);
/* HostAdd(1, 2) by the `out` at pc. */
void play_host_call(struct rig *r, hl_gva_t pc);
/* Access memory as the instruction at pc does: false when that was a page fault. */
bool play_write(struct rig *r, hl_gva_t pc, hl_gva_t at, const void *data, size_t size);
bool play_read(struct rig *r, hl_gva_t pc, hl_gva_t at, size_t size);

/* ---- the debugger */

void bind_hooks_of(struct rig *r);
/* Attach to the idle sandbox, let go, make a call, and be in the guest at text. */
void begin_attached(struct rig *r);
/* The same, and the debugger interrupts it there. */
void begin_held(struct rig *r);
void expect_step(struct rig *r, hl_gva_t pc);

#endif
