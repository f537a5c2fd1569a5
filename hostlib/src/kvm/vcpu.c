/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu.c - the KVM backend: one VM with one memory slot and one vCPU.
 */
#include "vcpu_kvm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "retry.h"

/* Control registers, EFER among them (Intel SDM 3, 2.2.1 and 2.5). */
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
 * Set with the first entry if KVM supports that: a system call on a vCPU costs 5 us on kvm_pvm, and
 * a clone sets other registers before its first entry.
 */
static int set_system_registers(struct hl_vcpu *v, struct hl_error *error)
{
    const struct shim_tables tables = shim_tables();
    struct kvm_sregs s;
    if (kvm_host_reset_sregs(v->fd, &s))
        return vcpu_kvm_failed(error, "KVM_GET_SREGS");
    s.cs = segment(USER_CS, 11, 3, true);
    s.ss = s.ds = s.es = s.fs = s.gs = segment(USER_DS, 3, 3, false);
    s.gdt = (struct kvm_dtable){.base = tables.gdt, .limit = tables.gdt_limit};
    s.idt = (struct kvm_dtable){.base = tables.idt, .limit = tables.idt_limit};
    s.tr = (struct kvm_segment){.base = tables.tss,
                                .limit = tables.tss_limit,
                                .selector = SHIM_TSS,
                                .type = 11, /* busy 64-bit TSS */
                                .present = 1};
    s.ldt = (struct kvm_segment){.type = 2, .unusable = 1};
    s.cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    s.cr3 = v->setup.tables->root;
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

/* Ring 0, which ring 3 cannot access. */
static int make_shim(struct hl_vcpu *v, struct hl_error *error)
{
    const unsigned code = HL_PROT_READ | HL_PROT_EXEC | PAGE_SUPERVISOR;
    const unsigned stack = HL_PROT_READ | HL_PROT_WRITE | PAGE_SUPERVISOR;
    shim_write(v->setup.memory, v->setup.ports);
    if (!pagetable_set(v->setup.tables, SHIM_GVA + SHIM_CODE, SHIM_CODE, code) ||
        !pagetable_set(v->setup.tables, SHIM_GVA + SHIM_STACK, SHIM_STACK, stack))
        return hl_error_set(error, HL_ERR_LIMIT, "no page tables left for ring 0");
    return 0;
}

static int set_up(struct hl_vcpu *v, struct hl_error *error)
{
    if (retry_ioctl(v->fd, KVM_SET_CPUID2, &v->host->cpuid))
        return vcpu_kvm_failed(error, "KVM_SET_CPUID2");
    int rc = make_shim(v, error);
    if (!rc)
        rc = set_system_registers(v, error);
    return rc ? rc : vcpu_kvm_set_gate(v, error);
}

static int open_vm(struct hl_vcpu *v, struct hl_error *error)
{
    v->slot = (struct kvm_userspace_memory_region){
        .memory_size = v->setup.memory_size,
        .userspace_addr = (uintptr_t)v->setup.memory,
    };
    v->vm_fd = retry_ioctl(v->host->fd, KVM_CREATE_VM, 0);
    if (v->vm_fd < 0)
        return vcpu_kvm_failed(error, "KVM_CREATE_VM");
    if (v->setup.log)
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

static int create(struct hl_vcpu **vcpu, const struct backend_setup *setup, struct hl_error *error)
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
    v->setup = *setup;
    v->vm_fd = v->fd = -1;
    kick_init(&v->kick);
    rc = open_vm(v, error);
    if (!rc)
        rc = set_up(v, error);
    if (rc) {
        destroy(v);
        return rc;
    }
    v->run->kvm_valid_regs = host->sync_regs ? KVM_SYNC_X86_REGS : 0;
    *vcpu = v;
    return 0;
}

/*
 * What an x86 processor can write it can also read: if the second call fails, the host loses
 * nothing.
 */
static bool change_and_back(uint8_t *at, size_t size)
{
    return mprotect(at, size, PROT_WRITE) == 0 && mprotect(at, size, PROT_READ | PROT_WRITE) == 0;
}

/*
 * Make the processor flush these pages: the guest's own invlpg is out of reach, but changing the
 * protection of the host's page and restoring it makes KVM drop its mapping, and with it every
 * cached translation, with shadow paging and nested paging alike.
 */
static void changed(struct hl_vcpu *v, hl_gva_t gva, hl_gpa_t gpa, size_t size)
{
    const size_t all = v->setup.memory_size;
    (void)gva;
    if (!v->entered || gpa >= all || size > all - gpa)
        return;
    /* The kernel may be unable to split a mapping. */
    if (!size || !change_and_back(v->setup.memory + gpa, size))
        change_and_back(v->setup.memory, all);
}

static void kick(struct hl_vcpu *v)
{
    kick_send(&v->kick, v->run);
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

const struct backend kvm_backend = {
    .name = "kvm",
    .own = {SHIM_GVA, SHIM_SIZE, "ring 0"},
    .cpu = vcpu_kvm_cpu,
    .features = features,
    .create = create,
    .destroy = destroy,
    .run = vcpu_kvm_run,
    .syscall_result = vcpu_kvm_syscall_result,
    .answer = vcpu_kvm_answer,
    .get_regs = vcpu_kvm_get_regs,
    .set_regs = vcpu_kvm_set_regs,
    .get_bases = vcpu_kvm_get_bases,
    .set_bases = vcpu_kvm_set_bases,
    .get_system = vcpu_kvm_get_system,
    .xcr0 = vcpu_kvm_xcr0,
    .xsave_size = vcpu_kvm_xsave_size,
    .xsave_used = vcpu_kvm_xsave_used,
    .get_xsave = vcpu_kvm_get_xsave,
    .set_xsave = vcpu_kvm_set_xsave,
    .save = vcpu_kvm_save,
    .restore = vcpu_kvm_restore,
    .changed = changed,
    .log_start = vcpu_kvm_log_start,
    .log_read = vcpu_kvm_log_read,
    .log_clear = vcpu_kvm_log_clear,
    .arm = vcpu_kvm_arm,
    .can_step = vcpu_kvm_can_step,
    .kick = kick,
    .sample = sample,
    .stats = vcpu_kvm_stats,
};
