/* SPDX-License-Identifier: Apache-2.0 */
/*
 * debug/probe.c - find out how debug events are reported on a backend: a tiny guest is run, once
 * per process.  KVM's capability bits claim that everything works everywhere (docs/kvm.md).
 */
#include <pthread.h>
#include <string.h>

#include "debug.h"
#include "fork.h"
#include "machine_debug.h"
#include "retry.h"

#define TEXT 0x401000ull
#define DATA 0x402000ull

/* nop; int3; nop; movb $1, DATA; int3 */
static const uint8_t code[] = {0x90, 0xcc, 0x90, 0xc6, 0x04, 0x25,
                               0x00, 0x20, 0x40, 0x00, 0x01, 0xcc};
enum { AT_INT3 = 1, AT_NOP = 2, AT_STORE = 3, BEHIND_STORE = 11 };

static int make(struct hl_machine **m, const struct backend *backend, struct hl_error *error)
{
    struct hl_machine_config config = {.size = sizeof(config), .memory = 2 * PAGE_SIZE};
    const unsigned rw = HL_PROT_READ | HL_PROT_WRITE;
    hl_gpa_t gpa;
    int rc = machine_create(m, &config, backend, NULL, error);
    if (rc)
        return rc;
    rc = hl_machine_alloc(*m, 2 * PAGE_SIZE, &gpa, error);
    if (!rc)
        rc = hl_machine_map(*m, TEXT, gpa, PAGE_SIZE, HL_PROT_READ | HL_PROT_EXEC, error);
    if (!rc)
        rc = hl_machine_map(*m, DATA, gpa + PAGE_SIZE, PAGE_SIZE, rw, error);
    if (rc) {
        hl_machine_destroy(*m);
        *m = NULL;
        return rc;
    }
    memcpy(hl_machine_memory(*m, gpa, sizeof(code)), code, sizeof(code));
    return 0;
}

/* Run from TEXT + from with `debug` armed, to the guest's next exit. */
static int try(struct hl_machine *m, unsigned from, const struct vcpu_debug *debug,
               struct hl_exit *exit, struct hl_error *error)
{
    const struct hl_regs regs = {.rip = TEXT + from};
    int rc;
    do {
        rc = hl_machine_set_regs(m, &regs, error);
        if (!rc)
            rc = machine_arm(m, debug, error);
        if (!rc)
            rc = hl_machine_run(m, exit, error);
    } while (!rc && exit->kind == HL_EXIT_INTERRUPT);
    return rc;
}

/* Step from the start. */
static int try_step(struct hl_machine *m, bool by_exit, struct hl_exit *exit,
                    struct machine_step *step, struct hl_error *error)
{
    const struct hl_regs regs = {.rip = TEXT};
    const struct vcpu_debug none = {0};
    int rc;
    do {
        rc = hl_machine_set_regs(m, &regs, error);
        if (!rc)
            rc = machine_step(m, by_exit, &none, exit, step, error);
    } while (!rc && exit->kind == HL_EXIT_INTERRUPT);
    return rc;
}

static bool stopped(struct hl_machine *m, const struct hl_exit *exit, unsigned vector, unsigned at)
{
    return exit->kind == HL_EXIT_FAULT && exit->fault.vector == vector &&
           machine_pc(m) == TEXT + at;
}

/* A step and an int3 always work, in one way or the other. */
static int probe_basics(struct hl_machine *m, struct hl_debug_abilities *can,
                        struct hl_error *error)
{
    struct hl_exit exit;
    struct machine_step step;
    const struct vcpu_debug none = {0}, sw = {.sw_break = true};
    int rc = try_step(m, true, &exit, &step, error);
    if (rc)
        return rc;
    can->step_exit = machine_trap(m).by_exit && stopped(m, &exit, VECTOR_DEBUG, AT_INT3);
    if (!can->step_exit) {
        rc = try_step(m, false, &exit, &step, error);
        if (!rc && !(step.done && stopped(m, &exit, VECTOR_DEBUG, AT_INT3)))
            rc = hl_error_set(error, HL_ERR_KVM, "a single step does not work here");
    }
    if (!rc)
        rc = try(m, AT_INT3, &sw, &exit, error);
    if (rc)
        return rc;
    can->break_exit = machine_trap(m).by_exit && stopped(m, &exit, VECTOR_BREAKPOINT, AT_NOP);
    if (!can->break_exit)
        rc = try(m, AT_INT3, &none, &exit, error);
    if (!rc && !stopped(m, &exit, VECTOR_BREAKPOINT, AT_NOP))
        rc = hl_error_set(error, HL_ERR_KVM, "a breakpoint does not work here");
    return rc;
}

/* Does the slot stop the guest, at `at`, before it reaches the int3 after the store? */
static int probe_slot(struct hl_machine *m, enum vcpu_slot_kind kind, hl_gva_t address, unsigned at,
                      bool *works, struct hl_error *error)
{
    struct hl_exit exit;
    struct vcpu_debug debug = {.slot[0] = {.kind = kind, .size = 1, .address = address}};
    int rc = try(m, AT_NOP, &debug, &exit, error);
    *works = !rc && stopped(m, &exit, VECTOR_DEBUG, at) && (machine_trap(m).dr6 & 1);
    return rc;
}

static int probe_slots(struct hl_machine *m, struct hl_debug_abilities *can, struct hl_error *error)
{
    int rc = probe_slot(m, VCPU_SLOT_EXEC, TEXT + AT_STORE, AT_STORE, &can->hw_break, error);
    if (!rc)
        rc = probe_slot(m, VCPU_SLOT_WRITE, DATA, BEHIND_STORE, &can->hw_watch, error);
    return rc;
}

/* A signal during the probe must not look like a failed ability: signals are blocked. */
static int probe(const struct backend *backend, struct hl_debug_abilities *can,
                 struct hl_error *error)
{
    struct hl_machine *m = NULL;
    sigset_t before;
    signals_block(&before);
    int rc = make(&m, backend, error);
    if (!rc)
        rc = probe_basics(m, can, error);
    if (!rc)
        rc = probe_slots(m, can, error);
    hl_machine_destroy(m);
    signals_restore(&before);
    return rc;
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
FORK_FREES(&lock)

#define KNOWN_MAX 4 /* backends; others are probed each time */

int debug_probe(const struct backend *backend, struct hl_debug_abilities *abilities,
                struct hl_error *error)
{
    static struct {
        const struct backend *backend;
        struct hl_debug_abilities can;
    } known[KNOWN_MAX];
    unsigned i = 0;
    int rc = 0;
    pthread_mutex_lock(&lock);
    while (i < KNOWN_MAX && known[i].backend && known[i].backend != backend)
        i++;
    bool is_known = i < KNOWN_MAX && known[i].backend;
    struct hl_debug_abilities can = {0};
    if (is_known)
        can = known[i].can;
    else
        rc = probe(backend, &can, error);
    if (!rc && !is_known && i < KNOWN_MAX) {
        known[i].backend = backend;
        known[i].can = can;
    }
    if (rc)
        memset(&can, 0, sizeof(can));
    *abilities = can;
    pthread_mutex_unlock(&lock);
    return rc;
}

int hl_debug_probe(struct hl_debug_abilities *abilities, struct hl_error *error)
{
    return debug_probe(backend_default, abilities, error);
}
