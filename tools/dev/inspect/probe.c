/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <stdio.h>
#include <string.h>

#include <hl/debug.h>
#include <hl/machine.h>

#include "clock.h"

#define TEXT 0x401000ull
#define PORT 0x80
#define ROUNDS 2000

/* A machine with some bytes of code at TEXT, ready to run them at ring 3. */
static int make(struct hl_machine **m, const void *code, size_t size, struct hl_error *error)
{
    static const uint16_t port[] = {PORT};
    struct hl_machine_config config = {
        .size = sizeof(config), .memory = 4096, .port = port, .port_count = 1};
    struct hl_regs regs = {.rip = TEXT};
    hl_gpa_t gpa;
    int rc = hl_machine_create(m, &config, error);
    if (rc)
        return rc;
    rc = hl_machine_alloc(*m, 4096, &gpa, error);
    if (!rc)
        rc = hl_machine_map(*m, TEXT, gpa, 4096, HL_PROT_READ | HL_PROT_EXEC, error);
    if (!rc) {
        memcpy(hl_machine_memory(*m, gpa, size), code, size);
        rc = hl_machine_set_regs(*m, &regs, error);
    }
    if (rc)
        hl_machine_destroy(*m);
    return rc;
}

int probe_device(struct hl_error *error)
{
    static const uint8_t code[] = {0xf4};
    struct hl_machine *m;
    int rc = make(&m, code, sizeof(code), error);
    if (!rc)
        hl_machine_destroy(m);
    /* What else KVM refuses is a probe's to report. */
    return rc == HL_ERR_NO_KVM || rc == HL_ERR_KVM_ACCESS ? rc : 0;
}

static double now_us(void)
{
    return (double)clock_now() / 1e3;
}

static int unexpected(struct hl_error *error, const struct hl_exit *exit)
{
    if (exit->kind == HL_EXIT_FAULT)
        return hl_error_set(error, HL_ERR_KVM, "unexpected %s at 0x%llx",
                            hl_fault_name(exit->fault.vector), (unsigned long long)exit->fault.rip);
    return hl_error_set(error, HL_ERR_KVM, "unexpected exit of kind %d", exit->kind);
}

static int probe_create(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t code[] = {0xe6, PORT};
    struct hl_machine *m;
    struct hl_exit exit;
    double start = now_us();
    int rc = make(&m, code, sizeof(code), error);
    if (rc)
        return rc;
    rc = hl_machine_run(m, &exit, error);
    if (!rc && exit.kind != HL_EXIT_IO)
        rc = unexpected(error, &exit);
    hl_machine_destroy(m);
    snprintf(text, size, "%.0f us to create, run and destroy", now_us() - start);
    return rc;
}

/* Best of many: what a call costs when nothing else is going on. */
static int round_trips(struct hl_machine *m, enum hl_exit_kind kind, char *text, unsigned size,
                       struct hl_error *error)
{
    struct hl_exit exit;
    double best = 1e9;
    for (int i = 0; i < ROUNDS; i++) {
        double start = now_us();
        int rc = hl_machine_run(m, &exit, error);
        double took = now_us() - start;
        if (rc || exit.kind != kind)
            return rc ? rc : unexpected(error, &exit);
        best = i && took < best ? took : best;
        if (kind == HL_EXIT_SYSCALL)
            hl_machine_syscall_result(m, 0);
    }
    snprintf(text, size, "%.1f us round trip", best);
    return 0;
}

static int probe_out(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t code[] = {0xe6, PORT, 0xeb, 0xfc}; /* out; jmp back */
    struct hl_machine *m;
    int rc = make(&m, code, sizeof(code), error);
    if (!rc) {
        rc = round_trips(m, HL_EXIT_IO, text, size, error);
        hl_machine_destroy(m);
    }
    return rc;
}

static int probe_syscall(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t code[] = {0x0f, 0x05, 0xeb, 0xfc}; /* syscall; jmp back */
    struct hl_machine *m;
    int rc = make(&m, code, sizeof(code), error);
    if (!rc) {
        rc = round_trips(m, HL_EXIT_SYSCALL, text, size, error);
        hl_machine_destroy(m);
    }
    return rc;
}

/* A guest that must fault: with this vector, and for #PF with this error code. */
static int must_fault(const void *code, size_t code_size, unsigned vector, uint32_t error_code,
                      struct hl_error *error)
{
    struct hl_machine *m;
    struct hl_exit exit;
    int rc = make(&m, code, code_size, error);
    if (rc)
        return rc;
    rc = hl_machine_run(m, &exit, error);
    if (!rc && (exit.kind != HL_EXIT_FAULT || exit.fault.vector != vector ||
                exit.fault.error_code != error_code))
        rc = unexpected(error, &exit);
    hl_machine_destroy(m);
    return rc;
}

static int probe_protection(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t null[] = {0x8b, 0x04, 0x25, 0, 0, 0, 0};           /* mov 0, %eax */
    static const uint8_t write[] = {0xc6, 0x05, 0xf9, 0xff, 0xff, 0xff, 0}; /* movb $0, own code */
    static const uint8_t port[] = {0xe6, PORT + 1};
    static const uint8_t hlt[] = {0xf4};
    int rc = must_fault(null, sizeof(null), 14, 4, error);
    if (!rc)
        rc = must_fault(write, sizeof(write), 14, 7, error);
    if (!rc)
        rc = must_fault(port, sizeof(port), 13, 0, error);
    if (!rc)
        rc = must_fault(hlt, sizeof(hlt), 13, 0, error);
    snprintf(text, size, "fault as they should");
    return rc;
}

static int probe_simd(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t sse[] = {0x66, 0x0f, 0xef, 0xc0, 0xe6, PORT};          /* pxor; out */
    static const uint8_t xgetbv[] = {0x31, 0xc9, 0x0f, 0x01, 0xd0, 0xe6, PORT}; /* XCR0 */
    struct hl_machine *m;
    struct hl_exit exit;
    int rc = make(&m, sse, sizeof(sse), error);
    if (rc)
        return rc;
    rc = hl_machine_run(m, &exit, error);
    hl_machine_destroy(m);
    if (rc || exit.kind != HL_EXIT_IO)
        return rc ? rc : unexpected(error, &exit);
    rc = make(&m, xgetbv, sizeof(xgetbv), error);
    if (rc)
        return rc;
    struct hl_regs regs = {0};
    rc = hl_machine_run(m, &exit, error);
    if (!rc)
        rc = hl_machine_get_regs(m, &regs, error);
    hl_machine_destroy(m);
    if (rc)
        return rc;
    bool xsave = exit.kind == HL_EXIT_IO;
    snprintf(text, size, "SSE%s%s (XCR0 0x%x)", xsave && (regs.rax & 4) ? ", AVX" : "",
             xsave && (regs.rax & 0xe0) == 0xe0 ? ", AVX-512" : "", xsave ? (unsigned)regs.rax : 0);
    return 0;
}

static int probe_kick(char *text, unsigned size, struct hl_error *error)
{
    static const uint8_t code[] = {0xeb, 0xfe};
    struct hl_machine *m;
    struct hl_exit exit;
    int rc = make(&m, code, sizeof(code), error);
    if (rc)
        return rc;
    hl_machine_kick(m);
    rc = hl_machine_run(m, &exit, error);
    if (!rc && exit.kind != HL_EXIT_INTERRUPT)
        rc = unexpected(error, &exit);
    hl_machine_destroy(m);
    snprintf(text, size, "a running guest can be stopped");
    return rc;
}

static int probe_step(char *text, unsigned size, struct hl_error *error)
{
    struct hl_debug_abilities can;
    int rc = hl_debug_probe(&can, error);
    snprintf(text, size, "steps come %s, int3 %s",
             can.step_exit ? "as KVM_EXIT_DEBUG" : "by TF through the guest's IDT",
             can.break_exit ? "as KVM_EXIT_DEBUG" : "through the guest's IDT");
    return rc;
}

static int probe_debug_registers(char *text, unsigned size, struct hl_error *error)
{
    struct hl_debug_abilities can;
    int rc = hl_debug_probe(&can, error);
    snprintf(text, size, "hardware breakpoints %s, watchpoints %s",
             can.hw_break ? "work" : "are int3s (debug registers do not fire here)",
             can.hw_watch ? "use debug registers, then page protection" : "by page protection");
    return rc;
}

const struct probe probes[] = {
    {probe_create, "machine", "create a VM"},
    {probe_out, "exit", "`out` at ring 3"},
    {probe_syscall, "syscall", "`syscall` at ring 3"},
    {probe_protection, "protection", "NULL, code, ports and hlt"},
    {probe_simd, "simd", "vector state"},
    {probe_kick, "kick", "interruption"},
    {probe_step, "debug", "debug traps"},
    {probe_debug_registers, "points", "debug registers"},
};
const unsigned probe_count = sizeof(probes) / sizeof(probes[0]);
