/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/cpuid.c - what a guest may know of the processor: the instructions that a ring-3 program can
 * use, and nothing about virtualisation, topology or power.
 *
 * The leaves are read from the processor itself and reduced to a list of known bits, rather than
 * from KVM_GET_SUPPORTED_CPUID: that costs 0.3 ms (half a cold start), and kvm_pvm leaves XSAVE out
 * although guests have it.  Bit numbers: Intel SDM 2A, CPUID; AMD APM 3, appendix E.
 */
#include "cpuid.h"

#include <cpuid.h>
#include <string.h>

#define BIT(n) (1u << (n))

enum {
    L1_ECX_XSAVE = 26,
    L1_ECX_OSXSAVE = 27,
    L7_EBX_FSGSBASE = 0,
};

/* x87, SSE, AVX, and the three parts of AVX-512; not AMX (needs permission), PKRU or MPX. */
#define XCR0_KNOWN 0xe7ull
#define XSAVE_LEAST 576 /* x87, SSE and the header */
#define XCR0_AVX 0x6ull
#define XCR0_AVX512 0xe6ull

/* sse3 pclmul ssse3 fma cx16 sse4.1 sse4.2 movbe popcnt aes xsave avx f16c; not rdrand: chance has
 * one door (source.h) */
#define LEAF1_ECX                                                                                  \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) |        \
     BIT(25) | BIT(26) | BIT(28) | BIT(29))
/* fpu tsc msr pae cx8 sep pge cmov pat clflush mmx fxsr sse sse2 */
#define LEAF1_EDX                                                                                  \
    (BIT(0) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(11) | BIT(13) | BIT(15) | BIT(16) |          \
     BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26))
/* fsgsbase bmi1 avx2 bmi2 erms avx512f avx512dq adx ifma clflushopt clwb cd sha bw vl */
#define LEAF7_EBX                                                                                  \
    (BIT(0) | BIT(3) | BIT(5) | BIT(8) | BIT(9) | BIT(16) | BIT(17) | BIT(19) | BIT(21) |          \
     BIT(23) | BIT(24) | BIT(28) | BIT(29) | BIT(30) | BIT(31))
/* vbmi vbmi2 gfni vaes vpclmulqdq vnni bitalg vpopcntdq rdpid */
#define LEAF7_ECX                                                                                  \
    (BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(22))
#define LEAF7_EDX BIT(4)                                   /* fast short rep mov */
#define LEAF7_1_EAX (BIT(4) | BIT(5))                      /* avx-vnni avx512-bf16 */
#define LEAF81_ECX (BIT(0) | BIT(5) | BIT(6) | BIT(8))     /* lahf abm sse4a 3dnowprefetch */
#define LEAF81_EDX (BIT(11) | BIT(20) | BIT(27) | BIT(29)) /* syscall nx rdtscp lm */
#define AVX_ECX (BIT(12) | BIT(28) | BIT(29))              /* fma avx f16c */
#define AVX512_EBX                                                                                 \
    (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31)) /* all of AVX-512 in leaf 7 */
#define AVX512_ECX (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
#define VEX_ECX (BIT(9) | BIT(10)) /* vaes vpclmulqdq */

static struct kvm_cpuid_entry2 *add(struct kvm_host *host, uint32_t function, uint32_t index,
                                    bool indexed)
{
    struct kvm_cpuid_entry2 *e = &host->cpuid.entry[host->cpuid.head.nent++];
    *e = (struct kvm_cpuid_entry2){
        .function = function,
        .index = index,
        .flags = indexed ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
    };
    __cpuid_count(function, index, e->eax, e->ebx, e->ecx, e->edx);
    return e;
}

static uint64_t native_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* Components are enabled in groups: AVX needs SSE, AVX-512 needs all three of its own and AVX. */
static uint64_t usable_xcr0(uint64_t native)
{
    uint64_t x = native & XCR0_KNOWN;
    if ((x & XCR0_AVX512) != XCR0_AVX512)
        x &= XCR0_AVX | 1;
    return x | 1;
}

static void fill_extended_state(struct kvm_host *host)
{
    struct kvm_cpuid_entry2 *e = add(host, 0xd, 0, true);
    e->eax = (uint32_t)host->xcr0;
    e->edx = 0;
    add(host, 0xd, 1, true)->eax &= BIT(0) | BIT(2); /* xsaveopt, xgetbv(1) */
    for (uint32_t i = 2; i < 8; i++) {
        if (!(host->xcr0 >> i & 1))
            continue;
        e = add(host, 0xd, i, true);
        if (host->xsave_used < (size_t)e->ebx + e->eax)
            host->xsave_used = (size_t)e->ebx + e->eax;
    }
}

static void fill_extended_leaves(struct kvm_host *host)
{
    struct kvm_cpuid_entry2 *e = add(host, 0x80000000, 0, false);
    uint32_t max = e->eax;
    e->eax = max < 0x80000008 ? max : 0x80000008;
    e = add(host, 0x80000001, 0, false);
    e->ebx = 0;
    e->ecx &= LEAF81_ECX;
    e->edx &= LEAF81_EDX;
    if (max >= 0x80000008) {
        e = add(host, 0x80000008, 0, false); /* address widths: KVM checks cr3 against them */
        e->ebx = e->ecx = e->edx = 0;
    }
}

void cpuid_fill(struct kvm_host *host)
{
    memset(&host->cpuid, 0, sizeof(host->cpuid));
    host->xsave_used = XSAVE_LEAST;
    struct kvm_cpuid_entry2 *zero = add(host, 0, 0, false);
    uint32_t native_max = zero->eax;
    zero->eax = native_max < 0xd ? native_max : 0xd;

    struct kvm_cpuid_entry2 *one = add(host, 1, 0, false);
    bool xsave = one->ecx & BIT(L1_ECX_OSXSAVE);
    host->xcr0 = xsave && native_max >= 0xd ? usable_xcr0(native_xcr0()) : 0;
    one->ebx &= 0x0000ff00; /* the cache line size; no APIC id, no processor count */
    one->ecx &= LEAF1_ECX;
    one->edx &= LEAF1_EDX;
    if (!host->xcr0)
        one->ecx &= ~BIT(L1_ECX_XSAVE);
    if (!(host->xcr0 & 4))
        one->ecx &= ~AVX_ECX;

    if (native_max >= 7) {
        struct kvm_cpuid_entry2 *seven = add(host, 7, 0, true);
        uint32_t subleaves = seven->eax;
        seven->eax = subleaves ? 1 : 0;
        seven->ebx &= LEAF7_EBX;
        seven->ecx &= LEAF7_ECX;
        seven->edx &= LEAF7_EDX;
        if (!(host->xcr0 & 4)) {
            seven->ebx &= ~BIT(5);
            seven->ecx &= ~VEX_ECX;
        }
        if (!(host->xcr0 & 0xe0)) {
            seven->ebx &= ~AVX512_EBX;
            seven->ecx &= ~AVX512_ECX;
        }
        host->fsgsbase = seven->ebx & BIT(L7_EBX_FSGSBASE);
        if (subleaves) {
            struct kvm_cpuid_entry2 *more = add(host, 7, 1, true);
            more->eax &= host->xcr0 & 0xe0 ? LEAF7_1_EAX : host->xcr0 & 4 ? BIT(4) : 0;
            more->ebx = more->ecx = more->edx = 0;
        }
    }
    if (host->xcr0)
        fill_extended_state(host);
    fill_extended_leaves(host);
}
