/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_segments.c - segment registers, which kvm_pvm does not switch.
 *
 * It runs a guest with the selectors of the thread that enters it, and leaves those that the guest
 * has loaded: the next guest of the thread could read them, and no KVM_SET_SREGS restores them
 * (KVM_GET_SREGS returns what was set).  So each vCPU has its own DS and ES around each entry.  FS
 * and GS, of which 64-bit code uses only the base, which KVM does switch, are null at each entry.
 * On other KVMs the thread's are always null, as on Linux, and this costs a few moves.
 */
#include "vcpu_kvm.h"

#include <asm/prctl.h>
#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "x86.h"

/* The selectors of any thread on Linux: data, 64-bit and 32-bit code, the CPU's number. */
static bool is_everywhere(uint16_t selector)
{
    return selector == USER_DS || selector == USER_CS || selector == USER32_CS || selector == 0x7b;
}

static struct vcpu_segments current(void)
{
    struct vcpu_segments s;
    __asm__ volatile("mov %%ds, %0; mov %%es, %1" : "=r"(s.ds), "=r"(s.es));
    return s;
}

/*
 * A selector of a local table belongs to another thread, or is invalid here: loading it would
 * fault.
 */
static void load(struct vcpu_segments to)
{
    struct vcpu_segments now = current();
    uint16_t ds = is_everywhere(to.ds) ? to.ds : 0, es = is_everywhere(to.es) ? to.es : 0;
    if (now.ds != ds)
        __asm__ volatile("mov %0, %%ds" : : "r"(ds));
    if (now.es != es)
        __asm__ volatile("mov %0, %%es" : : "r"(es));
}

/* Between the two instructions the thread has no thread-local storage: no handler may run. */
#define CLEAR_HERE(register)                                                                       \
    do {                                                                                           \
        uint64_t base;                                                                             \
        __asm__ volatile("rd" register "base %0; mov %1, %%" register "; wr" register "base %0"    \
                         : "=&r"(base)                                                             \
                         : "r"(0));                                                                \
    } while (0)

/* Linux makes the selector null when it sets the base, and no signal arrives in between. */
static void clear_by_system_call(int get, int set)
{
    unsigned long base;
    if (syscall(SYS_arch_prctl, get, &base) == 0)
        syscall(SYS_arch_prctl, set, base);
}

/*
 * What a guest loads must not make the host do what a seccomp filter may forbid: arch_prctl() is
 * used only on processors that cannot set the bases otherwise.
 */
static void clear(bool fs, bool gs)
{
    const unsigned long fsgsbase = 2; /* HWCAP2_FSGSBASE */
    const uint64_t all = UINT64_MAX;
    uint64_t before;
    if (!(getauxval(AT_HWCAP2) & fsgsbase)) {
        if (fs)
            clear_by_system_call(ARCH_GET_FS, ARCH_SET_FS);
        if (gs)
            clear_by_system_call(ARCH_GET_GS, ARCH_SET_GS);
        return;
    }
    if (syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof(all)))
        return;
    if (fs)
        CLEAR_HERE("fs");
    if (gs)
        CLEAR_HERE("gs");
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof(before));
}

struct vcpu_segments vcpu_kvm_segments_enter(struct hl_vcpu *v)
{
    struct vcpu_segments own = current();
    load(v->segments);
    return own;
}

void vcpu_kvm_segments_leave(struct hl_vcpu *v, struct vcpu_segments own)
{
    uint16_t fs, gs;
    v->segments = current();
    load(own);
    __asm__ volatile("mov %%fs, %0; mov %%gs, %1" : "=r"(fs), "=r"(gs));
    if (fs || gs) {
        int e = errno; /* of KVM_RUN */
        clear(fs, gs);
        errno = e;
    }
}
