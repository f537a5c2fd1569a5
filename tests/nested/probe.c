// SPDX-License-Identifier: Apache-2.0
/*
 * probe [--describe]: what this KVM shows of a guest at ring 3. Stand-alone: raw /dev/kvm, no
 * libhl.
 *
 * Each check runs a few bytes of ring-3 code in a small guest and compares the one stop, or the
 * stops, it causes with those of a standard KVM (kvm_intel, kvm_amd): a line `ok NAME` or
 * `not ok NAME: what happened` each, status 0 only when all are ok. With --describe a line
 * `NAME: what happened` each, whatever it is. docs/kvm.md says where kvm_pvm differs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

/* Guest memory, identity-mapped in 4 KiB pages; those from CODE on belong to ring 3. */
enum {
    PML4 = 0x1000,
    PDPT = 0x2000,
    PD = 0x3000,
    PT = 0x4000,
    GDT = 0x5000,
    IDT = 0x6000,
    TSS = 0x7000,
    STUBS = 0x8000,
    KSTACK_TOP = 0xa000,
    CODE = 0xb000,
    STACK_TOP = 0xd000,
    DATA = 0xd000,
    MEM_SIZE = 0x10000,
    MMIO = 0x10000, // mapped for the guest, but not backed by memory
};

/* Linux's selectors: kvm_pvm runs no others at ring 3. */
enum { KERNEL_CS = 0x10, KERNEL_DS = 0x18, USER_DS = 0x2b, USER_CS = 0x33, TSS_SEL = 0x40 };

/* Ports at ring 3 (the bitmap covers the first 4096) and the one the ring-0 stubs use. */
enum { OPEN_PORT = 0xe9, SHUT_PORT = 0xea, STUB_PORT = 0xeb };

#define TF 0x100ULL
#define DR6_BS (1ULL << 14)

enum kind { EXIT_IO, EXIT_MMIO, EXIT_DEBUG, IDT_VECTOR, STUCK, OTHER };

struct stop {
    enum kind kind;
    uint64_t rip;
    uint64_t vector; // of EXIT_DEBUG and IDT_VECTOR
    uint64_t error;  // IDT_VECTOR's error code
    uint64_t dr6, cr2, cs;
    unsigned port, value;
    char text[120];
};

static int kvm, vm, cpu;
static struct kvm_run *run;
static uint8_t *mem;
static int describe, failures;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
    exit(2);
}

static int call(int fd, unsigned long request, void *arg, const char *what)
{
    int r = ioctl(fd, request, arg);

    if (r < 0)
        die(what);
    return r;
}

static void put64(uint64_t at, uint64_t value)
{
    memcpy(mem + at, &value, sizeof(value));
}

static uint64_t get64(uint64_t at)
{
    uint64_t value;

    memcpy(&value, mem + at, sizeof(value));
    return value;
}

static void on_alarm(int sig)
{
    (void)sig;
    run->immediate_exit = 1; // also when the alarm comes just before KVM_RUN
}

static void make_pages(void)
{
    put64(PML4, PDPT | 7);
    put64(PDPT, PD | 7);
    put64(PD, PT | 7);
    for (uint64_t page = 0; page <= MMIO; page += 4096)
        put64(PT + page / 4096 * 8, page | (page >= CODE ? 7 : 3));
}

static void make_tables(void)
{
    static const uint8_t has_error[] = {8, 10, 11, 12, 13, 14, 17, 21, 29, 30};
    uint64_t base = TSS;

    put64(GDT + KERNEL_CS, 0x00af9b000000ffff);
    put64(GDT + KERNEL_DS, 0x00cf93000000ffff);
    put64(GDT + (USER_DS & ~7), 0x00cff3000000ffff);
    put64(GDT + (USER_CS & ~7), 0x00affb000000ffff);
    // A busy 64-bit TSS: the vCPU is started with it loaded.
    put64(GDT + TSS_SEL, 0x00008b0000000000 | (base & 0xffffff) << 16 | (104 + 512));
    put64(GDT + TSS_SEL + 8, 0);

    put64(TSS + 4, KSTACK_TOP); // RSP0
    mem[TSS + 102] = 104;       // the I/O bitmap: 512 bytes and the closing one
    memset(mem + TSS + 104, 0xff, 513);
    mem[TSS + 104 + OPEN_PORT / 8] &= (uint8_t) ~(1 << OPEN_PORT % 8);

    // Each vector gets 16 bytes: [push 0]; push VECTOR; jmp common. Common is at STUBS + 0x200.
    for (unsigned v = 0; v < 32; v++) {
        unsigned at = STUBS + v * 16, gate = v == 3 || v == 1 ? 0xee : 0x8e;
        uint32_t rel;

        if (!memchr(has_error, (int)v, sizeof(has_error))) {
            mem[at++] = 0x6a;
            mem[at++] = 0;
        }
        mem[at++] = 0x6a;
        mem[at++] = (uint8_t)v;
        mem[at++] = 0xe9;
        rel = STUBS + 0x200 - (at + 4);
        memcpy(mem + at, &rel, 4);
        put64(IDT + v * 16, (STUBS + v * 16) | KERNEL_CS << 16 | (uint64_t)gate << 40);
        put64(IDT + v * 16 + 8, 0);
    }
    memcpy(mem + STUBS + 0x200,
           (uint8_t[]){0xe6, STUB_PORT,      // out %al,STUB_PORT
                       0x48, 0x83, 0xc4, 16, // add $16,%rsp
                       0x48, 0xcf},
           8); // iretq
}

static void make_vm(void)
{
    struct kvm_userspace_memory_region slot = {0};
    struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[128];
    } cpuid = {.head.nent = 128};
    int size;

    kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        die("/dev/kvm");
    vm = call(kvm, KVM_CREATE_VM, NULL, "KVM_CREATE_VM");
    ioctl(vm, KVM_SET_TSS_ADDR, 0xfffbd000); // Intel's; others refuse it and need none
    mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mem == MAP_FAILED)
        die("mmap");
    slot.memory_size = MEM_SIZE;
    slot.userspace_addr = (uint64_t)(uintptr_t)mem;
    call(vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
    cpu = call(vm, KVM_CREATE_VCPU, NULL, "KVM_CREATE_VCPU");
    call(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid, "KVM_GET_SUPPORTED_CPUID");
    call(cpu, KVM_SET_CPUID2, &cpuid, "KVM_SET_CPUID2");
    size = call(kvm, KVM_GET_VCPU_MMAP_SIZE, NULL, "KVM_GET_VCPU_MMAP_SIZE");
    run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
    if (run == MAP_FAILED)
        die("mmap");
}

static void drop_vm(void)
{
    munmap(mem, MEM_SIZE);
    close(cpu);
    close(vm);
    close(kvm);
}

static struct kvm_segment segment(unsigned selector, unsigned type, int s, unsigned dpl, int code)
{
    return (struct kvm_segment){.selector = (uint16_t)selector,
                                .limit = 0xffffffff,
                                .type = (uint8_t)type,
                                .present = 1,
                                .dpl = (uint8_t)dpl,
                                .s = s ? 1 : 0,
                                .l = code ? 1 : 0,
                                .db = s && !code,
                                .g = s ? 1 : 0};
}

static void set_up(const uint8_t *code, size_t len)
{
    struct kvm_regs regs = {.rip = CODE, .rsp = STACK_TOP, .rflags = 2, .rax = 0x41, .rbx = DATA};
    struct kvm_sregs s;

    make_vm();
    make_pages();
    make_tables();
    memcpy(mem + CODE, code, len);

    call(cpu, KVM_GET_SREGS, &s, "KVM_GET_SREGS");
    s.cr0 = 0x80050033;
    s.cr3 = PML4;
    s.cr4 = 0x620;  // PAE, OSFXSR, OSXMMEXCPT
    s.efer = 0xd01; // SCE, LME, LMA, NX
    s.cs = segment(USER_CS, 11, 1, 3, 1);
    s.ss = s.ds = s.es = segment(USER_DS, 3, 1, 3, 0);
    s.fs = s.gs = s.ds;
    s.tr = segment(TSS_SEL, 11, 0, 0, 0);
    s.tr.base = TSS;
    s.tr.limit = 104 + 512;
    s.gdt = (struct kvm_dtable){.base = GDT, .limit = TSS_SEL + 15};
    s.idt = (struct kvm_dtable){.base = IDT, .limit = 32 * 16 - 1};
    call(cpu, KVM_SET_SREGS, &s, "KVM_SET_SREGS");
    call(cpu, KVM_SET_REGS, &regs, "KVM_SET_REGS");
}

static void arm(unsigned control, uint64_t dr0, uint64_t dr7)
{
    struct kvm_guest_debug dbg = {.control = control};

    dbg.arch.debugreg[0] = dr0;
    dbg.arch.debugreg[7] = dr7;
    call(cpu, KVM_SET_GUEST_DEBUG, &dbg, "KVM_SET_GUEST_DEBUG");
}

/* The stub's frame: vector, error code, RIP, CS, RFLAGS, RSP, SS. */
static void read_frame(struct stop *s, const struct kvm_regs *regs)
{
    struct kvm_debugregs d;
    struct kvm_sregs sregs;

    s->kind = IDT_VECTOR;
    s->vector = get64(regs->rsp % MEM_SIZE);
    s->error = get64((regs->rsp + 8) % MEM_SIZE);
    s->rip = get64((regs->rsp + 16) % MEM_SIZE);
    s->cs = get64((regs->rsp + 24) % MEM_SIZE);
    call(cpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS");
    s->cr2 = sregs.cr2;
    call(cpu, KVM_GET_DEBUGREGS, &d, "KVM_GET_DEBUGREGS");
    s->dr6 = d.dr6;
    snprintf(s->text, sizeof(s->text), "vector %d in the guest's IDT, rip +%#llx, error %#llx",
             (int)s->vector, (long long)(s->rip - CODE), (long long)s->error);
}

static void read_exit(struct stop *s, const struct kvm_regs *regs)
{
    size_t n = sizeof(s->text);

    switch (run->exit_reason) {
    case KVM_EXIT_IO:
        s->kind = EXIT_IO;
        s->port = run->io.port;
        s->value = *((uint8_t *)run + run->io.data_offset);
        snprintf(s->text, n, "KVM_EXIT_IO port %#x value %#x, rip +%#llx", s->port, s->value,
                 (long long)(regs->rip - CODE));
        if (s->port == STUB_PORT)
            read_frame(s, regs);
        break;
    case KVM_EXIT_MMIO:
        s->kind = EXIT_MMIO;
        s->value = run->mmio.data[0];
        s->cr2 = run->mmio.phys_addr;
        snprintf(s->text, n, "KVM_EXIT_MMIO at %#llx value %#x, rip +%#llx",
                 (long long)run->mmio.phys_addr, s->value, (long long)(regs->rip - CODE));
        break;
    case KVM_EXIT_DEBUG:
        s->kind = EXIT_DEBUG;
        s->vector = run->debug.arch.exception;
        s->rip = run->debug.arch.pc;
        s->dr6 = run->debug.arch.dr6;
        snprintf(s->text, n, "KVM_EXIT_DEBUG exception %d, rip +%#llx, dr6 %#llx", (int)s->vector,
                 (long long)(s->rip - CODE), (long long)s->dr6);
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        snprintf(s->text, n, "KVM_EXIT_INTERNAL_ERROR %u, rip +%#llx", run->internal.suberror,
                 (long long)(regs->rip - CODE));
        break;
    default:
        snprintf(s->text, n, "exit %u, rip +%#llx", run->exit_reason,
                 (long long)(regs->rip - CODE));
    }
}

static struct stop go(void)
{
    const char *slow = getenv("HL_TEST_SLOW");
    struct itimerval limit = {{0, 50000}, {1 + (slow ? atoi(slow) : 1), 0}}, off = {0};
    struct stop s = {.kind = OTHER};
    struct kvm_regs regs;
    int r;

    run->immediate_exit = 0;
    setitimer(ITIMER_REAL, &limit, NULL);
    r = ioctl(cpu, KVM_RUN, NULL);
    setitimer(ITIMER_REAL, &off, NULL);
    call(cpu, KVM_GET_REGS, &regs, "KVM_GET_REGS");
    s.rip = regs.rip;
    if (r == 0) {
        read_exit(&s, &regs);
    } else if (errno == EINTR) {
        s.kind = STUCK;
        snprintf(s.text, sizeof(s.text), "nothing happens, rip +%#llx",
                 (long long)(regs.rip - CODE));
    } else {
        snprintf(s.text, sizeof(s.text), "KVM_RUN: %s", strerror(errno));
    }
    return s;
}

static void report(const char *name, int ok, const char *text)
{
    if (describe)
        printf("%s: %s\n", name, text);
    else if (ok)
        printf("ok %s\n", name);
    else
        printf("not ok %s: %s\n", name, text);
    failures += !ok;
    fflush(stdout);
}

#define RUN(...) set_up((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))
#define NOP 0x90
#define INT3 0xcc
#define OUT(port) 0xe6, port
#define STORE 0x88, 0x03                        // mov %al,(%rbx)
#define STORE_FAR 0x88, 0x43, 0x40              // mov %al,0x40(%rbx)
#define STORE_MMIO 0xa2, 0, 0, 1, 0, 0, 0, 0, 0 // movabs %al,MMIO
#define SPIN 0xeb, 0xfe

static void check_exit(void)
{
    struct stop s;

    RUN(NOP, STORE_MMIO, SPIN);
    s = go();
    report("exit", s.kind == EXIT_MMIO && s.cr2 == MMIO && s.value == 0x41, s.text);
}

static void check_out(void)
{
    struct stop s;

    RUN(NOP, OUT(OPEN_PORT), SPIN);
    s = go();
    report("out-allowed", s.kind == EXIT_IO && s.port == OPEN_PORT && s.value == 0x41, s.text);
    drop_vm();

    RUN(NOP, OUT(SHUT_PORT), SPIN);
    s = go();
    report("out-denied",
           s.kind == IDT_VECTOR && s.vector == 13 && s.error == 0 && s.rip == CODE + 1 &&
               s.cs == USER_CS,
           s.text);
}

/* A write to a page of ring 0's. */
static void check_fault(void)
{
    struct stop s;

    RUN(NOP, 0xa2, 0, TSS >> 8, 0, 0, 0, 0, 0, 0, SPIN); // movabs %al,TSS
    s = go();
    report("fault",
           s.kind == IDT_VECTOR && s.vector == 14 && s.error == 7 && s.rip == CODE + 1 &&
               s.cr2 == TSS,
           s.text);
}

/* A guest's own int3 while nobody debugs it. */
static void check_own_int3(void)
{
    struct stop s;

    RUN(NOP, INT3, SPIN);
    s = go();
    report("int3-idt", s.kind == IDT_VECTOR && s.vector == 3 && s.rip == CODE + 2, s.text);
}

static void check_sw_bp(void)
{
    struct stop s;
    int ok;

    RUN(NOP, INT3, STORE_MMIO, SPIN);
    arm(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP, 0, 0);
    s = go();
    ok = s.kind == EXIT_DEBUG && s.vector == 3 && s.rip == CODE + 1;
    report("sw-bp", ok, s.text);
    if (!ok) {
        report("sw-bp-resume", 0, "no breakpoint to resume from");
        return;
    }
    mem[CODE + 1] = NOP;
    s = go();
    report("sw-bp-resume", s.kind == EXIT_MMIO, s.text);
}

static void check_hw_bp(void)
{
    struct stop s;

    RUN(NOP, NOP, NOP, STORE_MMIO, SPIN);
    arm(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, CODE + 2, 0x402);
    s = go();
    report("hw-bp", s.kind == EXIT_DEBUG && s.vector == 1 && s.rip == CODE + 2 && (s.dr6 & 15) == 1,
           s.text);
}

/* A four-byte write watch; the write beside it must not hit. */
static void check_hw_watch(void)
{
    struct stop s;

    RUN(STORE_FAR, STORE, NOP, STORE_MMIO, SPIN);
    arm(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP, DATA, 0x402 | 1 << 16 | 3 << 18);
    s = go();
    report("hw-watch",
           s.kind == EXIT_DEBUG && s.vector == 1 && s.rip == CODE + 5 && (s.dr6 & 15) == 1, s.text);
}

static void check_step(void)
{
    struct stop s;
    int ok = 1;

    RUN(NOP, 0xff, 0xc0, 0x50, NOP, SPIN); // nop; inc %eax; push %rax; nop
    static const uint64_t ends[] = {CODE + 1, CODE + 3, CODE + 4, CODE + 5, CODE + 5, CODE + 5};

    for (size_t i = 0; ok && i < sizeof(ends) / sizeof(ends[0]); i++) {
        arm(KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP, 0, 0);
        s = go();
        ok = s.kind == EXIT_DEBUG && s.vector == 1 && s.rip == ends[i] && (s.dr6 & DR6_BS);
    }
    report("step", ok, s.text);
}

/* A guest's own TF while nobody debugs it: trap after the instruction that follows popf. */
static void check_tf(void)
{
    struct stop s;

    // pushfq; orl $TF,(%rsp); popfq; nop; nop
    RUN(0x9c, 0x81, 0x0c, 0x24, 0, 1, 0, 0, 0x9d, NOP, NOP, SPIN);
    s = go();
    report("tf", s.kind == IDT_VECTOR && s.vector == 1 && s.rip == CODE + 10 && (s.dr6 & DR6_BS),
           s.text);
}

int main(int argc, char **argv)
{
    static void (*const checks[])(void) = {check_exit,     check_out,   check_fault,
                                           check_own_int3, check_sw_bp, check_hw_bp,
                                           check_hw_watch, check_step,  check_tf};
    struct sigaction alarm_action = {.sa_handler = on_alarm};

    describe = argc == 2 && !strcmp(argv[1], "--describe");
    if (argc > 1 && !describe) {
        fprintf(stderr, "usage: probe [--describe]\n");
        return 64;
    }
    sigaction(SIGALRM, &alarm_action, NULL);
    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        checks[i]();
        drop_vm();
    }
    return !describe && failures > 0;
}
