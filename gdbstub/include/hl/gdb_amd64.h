/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/gdb_amd64.h - the registers of an x86-64 guest as GDB names them, for the descriptions of
 * targets, and access to those in an XSAVE area.
 *
 * A description is a list of the features that the guest has; core and sse are always needed, avx
 * comes before avx512.  Numbers do not depend on the features listed; 0 to 57 are those that GDB
 * uses for a target without a description.
 */
#ifndef HL_GDB_AMD64_H
#define HL_GDB_AMD64_H

#include <hl/gdb_target.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The symbols have the library's prefix: a program may define these names itself. */
#define GDB_LINKED(name) __asm__("hl_" #name)

enum gdb_amd64_register {
    GDB_AMD64_RAX,
    GDB_AMD64_RBX,
    GDB_AMD64_RCX,
    GDB_AMD64_RDX,
    GDB_AMD64_RSI,
    GDB_AMD64_RDI,
    GDB_AMD64_RBP,
    GDB_AMD64_RSP,
    GDB_AMD64_R8, /* to r15 */
    GDB_AMD64_RIP = 16,
    GDB_AMD64_EFLAGS, /* 32 bits, as the selectors: cs ss ds es fs gs */
    GDB_AMD64_CS,
    GDB_AMD64_SS,
    GDB_AMD64_DS,
    GDB_AMD64_ES,
    GDB_AMD64_FS,
    GDB_AMD64_GS,
    GDB_AMD64_ST0,
    GDB_AMD64_FCTRL = 32, /* fctrl fstat ftag fiseg fioff foseg fooff fop, 32 bits each */
    GDB_AMD64_FSTAT,
    GDB_AMD64_FTAG,
    GDB_AMD64_FISEG,
    GDB_AMD64_FIOFF,
    GDB_AMD64_FOSEG,
    GDB_AMD64_FOOFF,
    GDB_AMD64_FOP,
    GDB_AMD64_XMM0 = 40,
    GDB_AMD64_MXCSR = 56,
    GDB_AMD64_ORIG_RAX,
    GDB_AMD64_FS_BASE,
    GDB_AMD64_GS_BASE,
    GDB_AMD64_YMM0H = 60,
    GDB_AMD64_XMM16 = 76,
    GDB_AMD64_YMM16H = 92,
    GDB_AMD64_K0 = 108,
    GDB_AMD64_ZMM0H = 116, /* to zmm31h */
    GDB_AMD64_CR0 = 148,   /* cr0 cr2 cr3 cr4 cr8 efer, 64 bits each */
    GDB_AMD64_CR2,
    GDB_AMD64_CR3,
    GDB_AMD64_CR4,
    GDB_AMD64_CR8,
    GDB_AMD64_EFER,
    GDB_AMD64_REGISTERS,
};

HL_API extern const struct gdb_feature gdb_amd64_core GDB_LINKED(gdb_amd64_core); /* rax to fop */
HL_API extern const struct gdb_feature gdb_amd64_sse GDB_LINKED(gdb_amd64_sse); /* xmm0-15, mxcsr */
HL_API extern const struct gdb_feature gdb_amd64_linux GDB_LINKED(gdb_amd64_linux); /* orig_rax */
HL_API extern const struct gdb_feature
    gdb_amd64_segments GDB_LINKED(gdb_amd64_segments); /* fs_base, gs_base */
HL_API extern const struct gdb_feature gdb_amd64_avx GDB_LINKED(gdb_amd64_avx); /* ymm0h-15h */
HL_API extern const struct gdb_feature
    gdb_amd64_avx512 GDB_LINKED(gdb_amd64_avx512); /* xmm16- to zmm31h, k0-7 */
HL_API extern const struct gdb_feature
    gdb_amd64_system GDB_LINKED(gdb_amd64_system); /* cr0 to efer: own feature and group */

/* rax to gs_base: GDB's registers of an x86-64 Linux target without a description, 560 bytes. */
#define GDB_AMD64_PLAIN 60

/* rbp, rsp, rip: what GDB asks for after every stop. */
#define GDB_AMD64_EXPEDITE_COUNT 3
HL_API extern const unsigned
    gdb_amd64_expedite[GDB_AMD64_EXPEDITE_COUNT] GDB_LINKED(gdb_amd64_expedite);

/*
 * An XSAVE area in the standard (not compacted) format, as KVM_GET_XSAVE2 and PTRACE_GETREGSET
 * return it; the offsets of its components are those of CPUID leaf 0xd (gdb_xsave_offsets()).
 */
#define GDB_XSAVE_COMPONENTS 10
struct gdb_xsave {
    void *area;
    size_t size;
    uint32_t offset[GDB_XSAVE_COMPONENTS]; /* of components 2 and up; 0: not there */
};

HL_API void gdb_xsave_offsets(uint32_t offset[GDB_XSAVE_COMPONENTS]) GDB_LINKED(gdb_xsave_offsets);

/*
 * One of st0..fop, xmm, mxcsr, ymm, zmm, k.  Only the register written changes, whatever the state
 * of its component: a component in its initial state is written out first.  Any thread; no state is
 * kept.  ARGUMENT: not such a register, another size than its own, or not in this area.
 */
HL_API int gdb_xsave_read(const struct gdb_xsave *xsave, unsigned number, void *data, size_t size)
    GDB_LINKED(gdb_xsave_read);
HL_API int gdb_xsave_write(const struct gdb_xsave *xsave, unsigned number, const void *data,
                           size_t size) GDB_LINKED(gdb_xsave_write);

#ifdef __cplusplus
}
#endif

#endif
