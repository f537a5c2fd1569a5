/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu.c - the KVM backend: one VM with one memory slot and one vCPU.
 */
#include "vcpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kick.h"
#include "kvm.h"
#include "retry.h"
#include "shim.h"
#include "vcpu_kvm.h"
#include "x86.h"

/* struct vcpu_regs is struct kvm_regs under a name of ours. */
_Static_assert(sizeof(struct vcpu_regs) == sizeof(struct kvm_regs), "vcpu_regs");
_Static_assert(offsetof(struct vcpu_regs, rsp) == offsetof(struct kvm_regs, rsp), "rsp");
_Static_assert(offsetof(struct vcpu_regs, rbp) == offsetof(struct kvm_regs, rbp), "rbp");
_Static_assert(offsetof(struct vcpu_regs, rflags) == offsetof(struct kvm_regs, rflags), "rflags");

/* Control registers and MSRs (Intel SDM 3, 2.5 and 4, 2.1). */
#define CR0_PE (1ull << 0)
#define CR0_MP (1ull << 1)
#define CR0_ET (1ull << 4)
#define CR0_NE (1ull << 5)
#define CR0_WP (1ull << 16)
#define CR0_AM (1ull << 18)
#define CR0_PG (1ull << 31)
#define CR4_PAE (1ull << 5)
#define CR4_OSFXSR (1ull << 9)
#define CR4_OSXMMEXCPT (1ull << 10)
#define CR4_FSGSBASE (1ull << 16)
#define CR4_OSXSAVE (1ull << 18)
#define EFER_SCE (1ull << 0)
#define EFER_LME (1ull << 8)
#define EFER_LMA (1ull << 10)
#define EFER_NXE (1ull << 11)
#define MSR_STAR 0xc0000081u
#define MSR_LSTAR 0xc0000082u
#define MSR_CSTAR 0xc0000083u /* `syscall` from 32-bit code, which ring 3 can enter on kvm_pvm */
#define MSR_SYSCALL_MASK 0xc0000084u
#define MSR_FS_BASE 0xc0000100u
#define MSR_GS_BASE 0xc0000101u
/* The gate runs with TF, IF, DF, IOPL, NT and AC clear, as Linux's does. */
#define SYSCALL_MASK 0x47700ull

int vcpu_kvm_failed(struct hl_error *error, const char *what)
{
    int e = errno;
    int code = e == ENOMEM                  ? HL_ERR_MEMORY
               : e == EMFILE || e == ENFILE ? HL_ERR_SYSTEM
                                            : HL_ERR_KVM;
    hl_error_set(error, code, "%s: %s: %s", hl_err_text(code), what, strerror(e));
    if (error)
        error->sys_errno = e;
    return code;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, uint8_t dpl, bool code)
{
    return (struct kvm_segment){
        .limit = 0xffffffff,
        .selector = selector,
        .type = type,
        .present = 1,
        .dpl = dpl,
        .db = !code,
        .s = 1,
        .l = code,
        .g = 1,
    };
}

/*
 * With the first entry where KVM takes them then: a system call on a vCPU costs 5 us on kvm_pvm,
 * and a clone has others before it has entered at all.
 */
static int set_system_registers(struct hl_vcpu *v, const struct vcpu_setup *setup,
                                struct hl_error *error)
{
    struct kvm_sregs s;
    if (kvm_host_reset_sregs(v->fd, &s))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    s.cs = segment(USER_CS, 11, 3, true);
    s.ss = s.ds = s.es = s.fs = s.gs = segment(USER_DS, 3, 3, false);
    s.gdt = (struct kvm_dtable){.base = setup->gdt, .limit = setup->gdt_limit};
    s.idt = (struct kvm_dtable){.base = setup->idt, .limit = setup->idt_limit};
    s.tr = (struct kvm_segment){.base = setup->tss,
                                .limit = setup->tss_limit,
                                .selector = SHIM_TSS,
                                .type = 11, /* busy 64-bit TSS */
                                .present = 1};
    s.ldt = (struct kvm_segment){.type = 2, .unusable = 1};
    s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    s.cr3 = setup->page_table;
    s.cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (v->host->fsgsbase)
        s.cr4 |= CR4_FSGSBASE;
    if (v->host->xcr0)
        s.cr4 |= CR4_OSXSAVE;
    s.efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    v->sregs = s;
    if (!v->host->sync_all) {
        if (retry_ioctl(v->fd, KVM_SET_SREGS, &s))
            return vcpu_kvm_failed(error, "KVM_SET_SREGS");
        return 0;
    }
    struct kvm_sync_regs *sync = &v->run->s.regs;
    sync->sregs = s;
    vcpu_kvm_fill_events(&sync->events);
    sync->regs = (struct kvm_regs){.rflags = 2};
    v->system_dirty = v->regs_dirty = v->regs_valid = true;
    return 0;
}

static int set_msrs(struct hl_vcpu *v, const struct kvm_msr_entry *entries, unsigned count,
                    struct hl_error *error)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[4];
    } msrs = {.head.nmsrs = count};
    memcpy(msrs.entry, entries, count * sizeof(*entries));
    int done = retry_ioctl(v->fd, KVM_SET_MSRS, &msrs);
    if (done == (int)count)
        return 0;
    if (done >= 0)
        errno = EINVAL;
    return vcpu_kvm_failed(error, "KVM_SET_MSRS");
}

int vcpu_kvm_set_gate(struct hl_vcpu *v, struct hl_error *error)
{
    const struct kvm_msr_entry gate[] = {
        {.index = MSR_STAR, .data = (uint64_t)USER32_CS << 48 | (uint64_t)SHIM_KERNEL_CS << 32},
        {.index = MSR_LSTAR, .data = v->gate},
        {.index = MSR_CSTAR, .data = v->gate},
        {.index = MSR_SYSCALL_MASK, .data = SYSCALL_MASK},
    };
    struct kvm_xcrs xcrs = {.nr_xcrs = 1, .xcrs[0].value = v->host->xcr0};
    int rc = set_msrs(v, gate, sizeof(gate) / sizeof(gate[0]), error);
    if (!rc && v->host->xcr0 && retry_ioctl(v->fd, KVM_SET_XCRS, &xcrs))
        rc = vcpu_kvm_failed(error, "KVM_SET_XCRS");
    return rc;
}

static int set_up(struct hl_vcpu *v, const struct vcpu_setup *setup, struct hl_error *error)
{
    v->gate = setup->gate;
    if (retry_ioctl(v->fd, KVM_SET_CPUID2, &v->host->cpuid))
        return vcpu_kvm_failed(error, "KVM_SET_CPUID2");
    int rc = set_system_registers(v, setup, error);
    return rc ? rc : vcpu_kvm_set_gate(v, error);
}

static int open_vm(struct hl_vcpu *v, const struct vcpu_setup *setup, struct hl_error *error)
{
    v->slot = (struct kvm_userspace_memory_region){
        .memory_size = setup->memory_size,
        .userspace_addr = (uintptr_t)setup->memory,
    };
    v->vm_fd = retry_ioctl(v->host->fd, KVM_CREATE_VM, 0);
    if (v->vm_fd < 0)
        return vcpu_kvm_failed(error, "KVM_CREATE_VM");
    if (setup->log)
        vcpu_kvm_log_prepare(v);
    if (retry_ioctl(v->vm_fd, KVM_SET_USER_MEMORY_REGION, &v->slot))
        return vcpu_kvm_failed(error, "KVM_SET_USER_MEMORY_REGION");
    v->fd = retry_ioctl(v->vm_fd, KVM_CREATE_VCPU, 0);
    if (v->fd < 0)
        return vcpu_kvm_failed(error, "KVM_CREATE_VCPU");
    v->run = mmap(NULL, v->host->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
    if (v->run == MAP_FAILED) {
        v->run = NULL;
        return vcpu_kvm_failed(error, "mmap of the vCPU");
    }
    return 0;
}

static void destroy(struct hl_vcpu *v)
{
    if (!v)
        return;
    if (v->run)
        munmap(v->run, v->host->run_size);
    vcpu_kvm_stats_close(v);
    if (v->fd >= 0)
        close(v->fd);
    if (v->vm_fd >= 0)
        close(v->vm_fd);
    kick_destroy(&v->kick);
    free(v);
}

static int create(struct hl_vcpu **vcpu, const struct vcpu_setup *setup, struct hl_error *error)
{
    const struct kvm_host *host;
    int rc = kvm_host_get(&host, error);
    if (rc)
        return rc;
    if (kick_install())
        return vcpu_kvm_failed(error, "sigaction");
    struct hl_vcpu *v = calloc(1, sizeof(*v));
    if (!v)
        return hl_error_set(error, HL_ERR_MEMORY, "%s", hl_err_text(HL_ERR_MEMORY));
    v->host = host;
    v->vm_fd = v->fd = -1;
    kick_init(&v->kick);
    rc = open_vm(v, setup, error);
    if (!rc)
        rc = set_up(v, setup, error);
    if (rc) {
        destroy(v);
        return rc;
    }
    v->run->kvm_valid_regs = host->sync_regs ? KVM_SYNC_X86_REGS : 0;
    *vcpu = v;
    return 0;
}

static struct vcpu_regs *get_regs(struct hl_vcpu *v, struct hl_error *error)
{
    bool synced = v->host->sync_regs;
    struct kvm_regs *regs = synced ? &v->run->s.regs.regs : &v->regs_buffer;
    if (!v->regs_valid) {
        if (retry_ioctl(v->fd, KVM_GET_REGS, regs)) {
            vcpu_kvm_failed(error, "KVM_GET_REGS");
            return NULL;
        }
        v->regs_valid = true;
    }
    return (struct vcpu_regs *)regs;
}

static void regs_changed(struct hl_vcpu *v)
{
    v->regs_dirty = true;
}

int vcpu_kvm_flush_regs(struct hl_vcpu *v)
{
    uint64_t dirty = (v->regs_dirty ? KVM_SYNC_X86_REGS : 0u) |
                     (v->system_dirty ? KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS : 0u);
    if (!dirty)
        return 0;
    v->regs_dirty = v->system_dirty = false;
    if (v->host->sync_regs) {
        v->run->kvm_dirty_regs = dirty;
        return 0;
    }
    return retry_ioctl(v->fd, KVM_SET_REGS, &v->regs_buffer);
}

static void kick(struct hl_vcpu *v)
{
    kick_send(&v->kick, v->run);
}

static int dead(struct vcpu_exit *exit, const char *why, unsigned detail)
{
    exit->kind = VCPU_DEAD;
    snprintf(exit->why, sizeof(exit->why), why, detail);
    return 0;
}

static int exit_io(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    struct kvm_run *r = v->run;
    exit->kind = VCPU_IO;
    exit->io.port = r->io.port;
    exit->io.size = r->io.size;
    exit->io.count = r->io.count;
    exit->io.in = r->io.direction == KVM_EXIT_IO_IN;
    exit->io.value = 0;
    if (!exit->io.in)
        memcpy(&exit->io.value, (uint8_t *)r + r->io.data_offset, r->io.size);
    return 0;
}

static int exit_mmio(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    struct kvm_run *r = v->run;
    exit->kind = VCPU_MMIO;
    exit->mmio.gpa = r->mmio.phys_addr;
    exit->mmio.size = (uint8_t)r->mmio.len;
    exit->mmio.write = r->mmio.is_write;
    memcpy(exit->mmio.data, r->mmio.data, sizeof(exit->mmio.data));
    return 0;
}

/* A signal may come when KVM has raised an exception and not yet entered the guest's handler. */
static bool is_faulting(const struct hl_vcpu *v)
{
    struct kvm_vcpu_events events;
    return retry_ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events) == 0 &&
           (events.exception.injected || events.exception.pending);
}

/* After a tick alone nothing is changed, so nobody needs to know. */
static int exit_interrupt(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    exit->kind = VCPU_INTERRUPT;
    exit->interrupt.ticks = v->kick.ticks;
    exit->interrupt.faulting = (v->kick.asked || !v->kick.ticks) && is_faulting(v);
    v->kick.ticks = 0;
    return 0;
}

static int exit_shutdown(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    (void)v;
    return dead(exit, "triple fault", 0);
}

static int exit_internal(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    return dead(exit, "KVM cannot run the guest's code: internal error, suberror %u",
                v->run->internal.suberror);
}

static int exit_fail_entry(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    return dead(exit, "KVM could not enter the guest: hardware reason 0x%x",
                (unsigned)v->run->fail_entry.hardware_entry_failure_reason);
}

/* A #BP that reached KVM first leaves rip on the int3. */
static int exit_debug(struct hl_vcpu *v, struct vcpu_exit *exit)
{
    exit->kind = VCPU_DEBUG;
    exit->debug.vector = v->run->debug.arch.exception;
    exit->debug.dr6 = v->run->debug.arch.dr6;
    return 0;
}

typedef int exit_fn(struct hl_vcpu *v, struct vcpu_exit *exit);

static exit_fn *const on_exit_reason[] = {
    [KVM_EXIT_IO] = exit_io,
    [KVM_EXIT_MMIO] = exit_mmio,
    [KVM_EXIT_DEBUG] = exit_debug,
    [KVM_EXIT_INTR] = exit_interrupt,
    [KVM_EXIT_SHUTDOWN] = exit_shutdown,
    [KVM_EXIT_INTERNAL_ERROR] = exit_internal,
    [KVM_EXIT_FAIL_ENTRY] = exit_fail_entry,
};

static int run(struct hl_vcpu *v, bool whole, struct vcpu_exit *exit, struct hl_error *error)
{
    const unsigned known = sizeof(on_exit_reason) / sizeof(on_exit_reason[0]);
    if (vcpu_kvm_flush_regs(v))
        return vcpu_kvm_failed(error, "KVM_SET_REGS");
    struct vcpu_segments own = vcpu_kvm_segments_enter(v);
    int rc = kick_run(&v->kick, v->fd, v->run, whole);
    vcpu_kvm_segments_leave(v, own);
    v->regs_valid = v->host->sync_regs;
    if (rc && (errno == EINTR || errno == EAGAIN))
        return exit_interrupt(v, exit);
    if (rc)
        return vcpu_kvm_failed(error, "KVM_RUN");
    unsigned reason = v->run->exit_reason;
    if (reason < known && on_exit_reason[reason])
        return on_exit_reason[reason](v, exit);
    return dead(exit, "unexpected exit from KVM, reason %u", reason);
}

static int settle(struct hl_vcpu *v, struct hl_error *error)
{
    if (vcpu_kvm_flush_regs(v))
        return vcpu_kvm_failed(error, "KVM_SET_REGS");
    struct vcpu_segments own = vcpu_kvm_segments_enter(v);
    int rc = kick_settle(&v->kick, v->fd, v->run);
    vcpu_kvm_segments_leave(v, own);
    v->regs_valid = v->host->sync_regs;
    /* Completing an instruction under a single step may end in the step's own exit. */
    if ((rc && errno == EINTR) || (!rc && v->run->exit_reason == KVM_EXIT_DEBUG))
        return 0;
    if (rc)
        return vcpu_kvm_failed(error, "KVM_RUN");
    return hl_error_set(error, HL_ERR_STATE, "an access in several parts: run on first");
}

static int get_bases(struct hl_vcpu *v, uint64_t *fs, uint64_t *gs, struct hl_error *error)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entry[2];
    } msrs = {.head.nmsrs = 2, .entry = {{.index = MSR_FS_BASE}, {.index = MSR_GS_BASE}}};
    const struct kvm_sregs *waiting = &v->run->s.regs.sregs;
    if (v->system_dirty) {
        *fs = waiting->fs.base;
        *gs = waiting->gs.base;
        return 0;
    }
    if (retry_ioctl(v->fd, KVM_GET_MSRS, &msrs) != 2)
        return vcpu_kvm_failed(error, "KVM_GET_MSRS");
    *fs = msrs.entry[0].data;
    *gs = msrs.entry[1].data;
    return 0;
}

static int set_bases(struct hl_vcpu *v, uint64_t fs, uint64_t gs, struct hl_error *error)
{
    const struct kvm_msr_entry bases[] = {
        {.index = MSR_FS_BASE, .data = fs},
        {.index = MSR_GS_BASE, .data = gs},
    };
    struct kvm_sregs *waiting = &v->run->s.regs.sregs;
    if (!v->system_dirty)
        return set_msrs(v, bases, 2, error);
    waiting->fs.base = fs;
    waiting->gs.base = gs;
    return 0;
}

static int get_cr2(struct hl_vcpu *v, uint64_t *cr2, struct hl_error *error)
{
    struct kvm_sregs s;
    if (vcpu_kvm_flush_system(v) || retry_ioctl(v->fd, KVM_GET_SREGS, &s))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    *cr2 = s.cr2;
    return 0;
}

static void answer(struct hl_vcpu *v, const void *data, size_t size)
{
    struct kvm_run *r = v->run;
    if (r->exit_reason == KVM_EXIT_IO)
        for (uint32_t i = 0; i < r->io.count; i++) /* each item of a `rep ins` */
            memcpy((uint8_t *)r + r->io.data_offset + i * size, data, size);
    else
        memcpy(r->mmio.data, data, size);
}

static int sample(struct hl_vcpu *v, uint64_t period, struct hl_error *error)
{
    return kick_sample(&v->kick, period) ? vcpu_kvm_failed(error, "a timer for samples") : 0;
}

static unsigned features(void)
{
    const struct kvm_host *host;
    return kvm_host_get(&host, NULL) == 0 && host->fsgsbase ? HL_FEATURE_FSGSBASE : 0;
}

const struct vcpu_ops hl_vcpu_kvm = {
    .create = create,
    .destroy = destroy,
    .run = run,
    .settle = settle,
    .regs = get_regs,
    .regs_changed = regs_changed,
    .get_bases = get_bases,
    .set_bases = set_bases,
    .get_cr2 = get_cr2,
    .get_system = vcpu_kvm_get_system,
    .xcr0 = vcpu_kvm_xcr0,
    .xsave_size = vcpu_kvm_xsave_size,
    .xsave_used = vcpu_kvm_xsave_used,
    .get_xsave = vcpu_kvm_get_xsave,
    .set_xsave = vcpu_kvm_set_xsave,
    .log_start = vcpu_kvm_log_start,
    .log_read = vcpu_kvm_log_read,
    .log_clear = vcpu_kvm_log_clear,
    .save = vcpu_kvm_save,
    .restore = vcpu_kvm_restore,
    .debug = vcpu_kvm_debug,
    .answer = answer,
    .kick = kick,
    .cpu = vcpu_kvm_cpu,
    .sample = sample,
    .stats = vcpu_kvm_stats,
    .features = features,
};
