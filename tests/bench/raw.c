/* SPDX-License-Identifier: Apache-2.0 */
#include "raw.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define PORT 0x10

/* Guest pages of RAW_RING3: each mapped at its own address. */
enum { ROOT = 0, POINTERS, DIRECTORY, TABLE, SYSTEM, CODE };
#define TSS_AT 0x80u /* in the SYSTEM page, after the GDT */
#define TSS_SIZE 104u
#define BITMAP_SIZE (PORT / 8 + 2u)

#define PTE_P 1u
#define PTE_W 2u
#define PTE_U 4u
#define PTE_AD 0x60u

/* kvm_pvm takes no other selectors than Linux's at ring 3. */
#define USER_DS 0x2b
#define USER_CS 0x33
#define TSS_SELECTOR 0x40

static const uint8_t out_code[] = {0xe6, PORT, 0xeb, 0xfc}; /* 1: out %al, $PORT; jmp 1b */
static const uint8_t spin_code[] = {0xeb, 0xfe};

static void need(int good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

int raw_open(void)
{
    int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    need(kvm >= 0, "/dev/kvm");
    return kvm;
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void fill_ring3(struct raw_vm *vm, enum raw_kind kind)
{
    uint8_t *m = vm->memory, *system = m + SYSTEM * PAGE;
    const uint64_t all = PTE_P | PTE_W | PTE_U | PTE_AD, tss = SYSTEM * PAGE + TSS_AT;
    const uint64_t limit = TSS_SIZE + BITMAP_SIZE - 1;
    put64(m + ROOT * PAGE, POINTERS * PAGE | all);
    put64(m + POINTERS * PAGE, DIRECTORY * PAGE | all);
    put64(m + DIRECTORY * PAGE, TABLE * PAGE | all);
    put64(m + TABLE * PAGE + 8 * SYSTEM, SYSTEM * PAGE | (all & ~(uint64_t)PTE_U));
    put64(m + TABLE * PAGE + 8 * CODE, CODE * PAGE | all);
    put64(system + (USER_DS & ~7), 0x00cff3000000ffffull);
    put64(system + (USER_CS & ~7), 0x00affb000000ffffull);
    put64(system + TSS_SELECTOR, limit | tss << 16 | 0x8bull << 40);
    system[TSS_AT + 102] = TSS_SIZE; /* where the bitmap begins; its zeros allow every port */
    system[TSS_AT + limit] = 0xff;
    if (kind == RAW_SPIN)
        memcpy(m + CODE * PAGE, spin_code, sizeof(spin_code));
    else
        memcpy(m + CODE * PAGE, out_code, sizeof(out_code));
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, int code)
{
    return (struct kvm_segment){.limit = 0xffffffff,
                                .selector = selector,
                                .type = type,
                                .present = 1,
                                .dpl = 3,
                                .db = !code,
                                .s = 1,
                                .l = code != 0,
                                .g = 1};
}

static void enter_ring3(struct kvm_sregs *s, struct kvm_regs *regs)
{
    s->cs = segment(USER_CS, 11, 1);
    s->ss = s->ds = s->es = s->fs = s->gs = segment(USER_DS, 3, 0);
    s->gdt = (struct kvm_dtable){.base = SYSTEM * PAGE, .limit = TSS_SELECTOR + 15};
    s->tr = (struct kvm_segment){.base = SYSTEM * PAGE + TSS_AT,
                                 .limit = TSS_SIZE + BITMAP_SIZE - 1,
                                 .selector = TSS_SELECTOR,
                                 .type = 11,
                                 .present = 1};
    s->cr0 = 0x80010033; /* PG WP NE ET MP PE */
    s->cr3 = ROOT * PAGE;
    s->cr4 = 0x20;   /* PAE */
    s->efer = 0x500; /* LMA LME */
    *regs = (struct kvm_regs){.rip = CODE * PAGE, .rflags = 0x202};
}

static void set_registers(struct raw_vm *vm, enum raw_kind kind)
{
    struct kvm_sregs sregs;
    struct kvm_regs regs = {.rip = 0, .rflags = 2};
    need(ioctl(vm->vcpu, KVM_GET_SREGS, &sregs) == 0, "KVM_GET_SREGS");
    if (kind == RAW_REAL)
        sregs.cs.base = sregs.cs.selector = 0;
    else
        enter_ring3(&sregs, &regs);
    need(ioctl(vm->vcpu, KVM_SET_SREGS, &sregs) == 0, "KVM_SET_SREGS");
    need(ioctl(vm->vcpu, KVM_SET_REGS, &regs) == 0, "KVM_SET_REGS");
}

static size_t run_size(int kvm)
{
    static size_t size; /* asked once, as any program would */
    if (!size)
        size = (size_t)ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    return size;
}

void raw_create(struct raw_vm *vm, int kvm, enum raw_kind kind, size_t size)
{
    vm->size = size;
    vm->memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    need(vm->memory != MAP_FAILED, "mmap");
    madvise(vm->memory, size, MADV_NOHUGEPAGE); /* cheaper here than zeroing 2 MiB */
    if (kind == RAW_REAL)
        memcpy(vm->memory, out_code, sizeof(out_code));
    else
        fill_ring3(vm, kind);
    struct kvm_userspace_memory_region slot = {.memory_size = size,
                                               .userspace_addr = (uintptr_t)vm->memory};
    vm->vm = ioctl(kvm, KVM_CREATE_VM, 0);
    need(vm->vm >= 0, "KVM_CREATE_VM");
    need(ioctl(vm->vm, KVM_SET_USER_MEMORY_REGION, &slot) == 0, "KVM_SET_USER_MEMORY_REGION");
    vm->vcpu = ioctl(vm->vm, KVM_CREATE_VCPU, 0);
    need(vm->vcpu >= 0, "KVM_CREATE_VCPU");
    vm->run = mmap(NULL, run_size(kvm), PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu, 0);
    need(vm->run != MAP_FAILED, "mmap of the vCPU");
    set_registers(vm, kind);
}

void raw_exit(struct raw_vm *vm)
{
    if (ioctl(vm->vcpu, KVM_RUN, 0) || vm->run->exit_reason != KVM_EXIT_IO) {
        fprintf(stderr, "bench: the floor's guest came out by %u\n", vm->run->exit_reason);
        exit(1);
    }
}

void raw_destroy(struct raw_vm *vm)
{
    munmap(vm->run, run_size(-1));
    close(vm->vcpu);
    close(vm->vm);
    munmap(vm->memory, vm->size);
}
