/* SPDX-License-Identifier: Apache-2.0 */
/* wire/amd64.c - GDB's standard features of an x86-64 target, and one of our own. */
#include <hl/gdb_amd64.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define GPR(name)                                                                                  \
    {                                                                                              \
        name, "int64", NULL, 64, false                                                             \
    }
#define SEGMENT(name)                                                                              \
    {                                                                                              \
        name, "int32", NULL, 32, false                                                             \
    }
#define X87(name)                                                                                  \
    {                                                                                              \
        name, "i387_ext", NULL, 80, false                                                          \
    }
#define X87_CONTROL(name)                                                                          \
    {                                                                                              \
        name, "int", "float", 32, false                                                            \
    }
#define VEC128(name)                                                                               \
    {                                                                                              \
        name, "vec128", NULL, 128, false                                                           \
    }
#define UPPER128(name)                                                                             \
    {                                                                                              \
        name, "uint128", NULL, 128, false                                                          \
    }
#define UPPER256(name)                                                                             \
    {                                                                                              \
        name, "v2ui128", NULL, 256, false                                                          \
    }
#define MASK(name)                                                                                 \
    {                                                                                              \
        name, "uint64", NULL, 64, false                                                            \
    }
#define SYSTEM(name, type)                                                                         \
    {                                                                                              \
        name, type, "system", 64, true                                                             \
    }

static const struct gdb_register core[] = {
    GPR("rax"),
    GPR("rbx"),
    GPR("rcx"),
    GPR("rdx"),
    GPR("rsi"),
    GPR("rdi"),
    {"rbp", "data_ptr", NULL, 64, false},
    {"rsp", "data_ptr", NULL, 64, false},
    GPR("r8"),
    GPR("r9"),
    GPR("r10"),
    GPR("r11"),
    GPR("r12"),
    GPR("r13"),
    GPR("r14"),
    GPR("r15"),
    {"rip", "code_ptr", NULL, 64, false},
    {"eflags", "i386_eflags", NULL, 32, false},
    SEGMENT("cs"),
    SEGMENT("ss"),
    SEGMENT("ds"),
    SEGMENT("es"),
    SEGMENT("fs"),
    SEGMENT("gs"),
    X87("st0"),
    X87("st1"),
    X87("st2"),
    X87("st3"),
    X87("st4"),
    X87("st5"),
    X87("st6"),
    X87("st7"),
    X87_CONTROL("fctrl"),
    X87_CONTROL("fstat"),
    X87_CONTROL("ftag"),
    X87_CONTROL("fiseg"),
    X87_CONTROL("fioff"),
    X87_CONTROL("foseg"),
    X87_CONTROL("fooff"),
    X87_CONTROL("fop"),
};

static const struct gdb_register sse[] = {
    VEC128("xmm0"),
    VEC128("xmm1"),
    VEC128("xmm2"),
    VEC128("xmm3"),
    VEC128("xmm4"),
    VEC128("xmm5"),
    VEC128("xmm6"),
    VEC128("xmm7"),
    VEC128("xmm8"),
    VEC128("xmm9"),
    VEC128("xmm10"),
    VEC128("xmm11"),
    VEC128("xmm12"),
    VEC128("xmm13"),
    VEC128("xmm14"),
    VEC128("xmm15"),
    {"mxcsr", "i386_mxcsr", "vector", 32, false},
};

static const struct gdb_register avx[] = {
    UPPER128("ymm0h"),  UPPER128("ymm1h"),  UPPER128("ymm2h"),  UPPER128("ymm3h"),
    UPPER128("ymm4h"),  UPPER128("ymm5h"),  UPPER128("ymm6h"),  UPPER128("ymm7h"),
    UPPER128("ymm8h"),  UPPER128("ymm9h"),  UPPER128("ymm10h"), UPPER128("ymm11h"),
    UPPER128("ymm12h"), UPPER128("ymm13h"), UPPER128("ymm14h"), UPPER128("ymm15h"),
};

static const struct gdb_register avx512[] = {
    VEC128("xmm16"),    VEC128("xmm17"),    VEC128("xmm18"),    VEC128("xmm19"),
    VEC128("xmm20"),    VEC128("xmm21"),    VEC128("xmm22"),    VEC128("xmm23"),
    VEC128("xmm24"),    VEC128("xmm25"),    VEC128("xmm26"),    VEC128("xmm27"),
    VEC128("xmm28"),    VEC128("xmm29"),    VEC128("xmm30"),    VEC128("xmm31"),
    UPPER128("ymm16h"), UPPER128("ymm17h"), UPPER128("ymm18h"), UPPER128("ymm19h"),
    UPPER128("ymm20h"), UPPER128("ymm21h"), UPPER128("ymm22h"), UPPER128("ymm23h"),
    UPPER128("ymm24h"), UPPER128("ymm25h"), UPPER128("ymm26h"), UPPER128("ymm27h"),
    UPPER128("ymm28h"), UPPER128("ymm29h"), UPPER128("ymm30h"), UPPER128("ymm31h"),
    MASK("k0"),         MASK("k1"),         MASK("k2"),         MASK("k3"),
    MASK("k4"),         MASK("k5"),         MASK("k6"),         MASK("k7"),
    UPPER256("zmm0h"),  UPPER256("zmm1h"),  UPPER256("zmm2h"),  UPPER256("zmm3h"),
    UPPER256("zmm4h"),  UPPER256("zmm5h"),  UPPER256("zmm6h"),  UPPER256("zmm7h"),
    UPPER256("zmm8h"),  UPPER256("zmm9h"),  UPPER256("zmm10h"), UPPER256("zmm11h"),
    UPPER256("zmm12h"), UPPER256("zmm13h"), UPPER256("zmm14h"), UPPER256("zmm15h"),
    UPPER256("zmm16h"), UPPER256("zmm17h"), UPPER256("zmm18h"), UPPER256("zmm19h"),
    UPPER256("zmm20h"), UPPER256("zmm21h"), UPPER256("zmm22h"), UPPER256("zmm23h"),
    UPPER256("zmm24h"), UPPER256("zmm25h"), UPPER256("zmm26h"), UPPER256("zmm27h"),
    UPPER256("zmm28h"), UPPER256("zmm29h"), UPPER256("zmm30h"), UPPER256("zmm31h"),
};

static const struct gdb_register segments[] = {GPR("fs_base"), GPR("gs_base")};

static const struct gdb_register linux_registers[] = {{"orig_rax", "int64", "system", 64, false}};

static const struct gdb_register system_registers[] = {
    SYSTEM("cr0", "hl_cr0"), SYSTEM("cr2", "uint64"), SYSTEM("cr3", "uint64"),
    SYSTEM("cr4", "hl_cr4"), SYSTEM("cr8", "uint64"), SYSTEM("efer", "hl_efer"),
};

#define FLAG(name, bit) "<field name=\"" name "\" start=\"" #bit "\" end=\"" #bit "\"/>"

#define EFLAGS                                                                                     \
    "<flags id=\"i386_eflags\" size=\"4\">" FLAG("CF", 0) FLAG("", 1) FLAG("PF", 2) FLAG("AF", 4)  \
        FLAG("ZF", 6) FLAG("SF", 7) FLAG("TF", 8) FLAG("IF", 9) FLAG("DF", 10) FLAG("OF", 11)      \
            FLAG("NT", 14) FLAG("RF", 16) FLAG("VM", 17) FLAG("AC", 18) FLAG("VIF", 19)            \
                FLAG("VIP", 20) FLAG("ID", 21) "</flags>\n"

#define MXCSR                                                                                      \
    "<flags id=\"i386_mxcsr\" size=\"4\">" FLAG("IE", 0) FLAG("DE", 1) FLAG("ZE", 2) FLAG("OE", 3) \
        FLAG("UE", 4) FLAG("PE", 5) FLAG("DAZ", 6) FLAG("IM", 7) FLAG("DM", 8) FLAG("ZM", 9)       \
            FLAG("OM", 10) FLAG("UM", 11) FLAG("PM", 12) FLAG("FZ", 15) "</flags>\n"

/* clang-format 14 does not agree with itself here. */
/* clang-format off */
#define CR0                                                                                        \
    "<flags id=\"hl_cr0\" size=\"8\">" FLAG("PE", 0) FLAG("MP", 1) FLAG("EM", 2) FLAG("TS", 3)     \
        FLAG("ET", 4) FLAG("NE", 5) FLAG("WP", 16) FLAG("AM", 18) FLAG("NW", 29) FLAG("CD", 30)    \
            FLAG("PG", 31) "</flags>\n"

#define CR4                                                                                        \
    "<flags id=\"hl_cr4\" size=\"8\">" FLAG("VME", 0) FLAG("PVI", 1) FLAG("TSD", 2) FLAG("DE", 3)  \
        FLAG("PSE", 4) FLAG("PAE", 5) FLAG("MCE", 6) FLAG("PGE", 7) FLAG("PCE", 8)                 \
            FLAG("OSFXSR", 9) FLAG("OSXMMEXCPT", 10) FLAG("UMIP", 11) FLAG("LA57", 12)             \
                FLAG("VMXE", 13) FLAG("SMXE", 14) FLAG("FSGSBASE", 16) FLAG("PCIDE", 17)           \
                    FLAG("OSXSAVE", 18) FLAG("SMEP", 20) FLAG("SMAP", 21) FLAG("PKE", 22)          \
                        FLAG("CET", 23) "</flags>\n"

#define EFER                                                                                       \
    "<flags id=\"hl_efer\" size=\"8\">" FLAG("SCE", 0) FLAG("LME", 8) FLAG("LMA", 10)              \
        FLAG("NXE", 11) FLAG("SVME", 12) FLAG("FFXSR", 14) "</flags>\n"

#define VECTOR(id, type, count) "<vector id=\"" id "\" type=\"" type "\" count=\"" #count "\"/>"
#define MEMBER(name, type) "<field name=\"" name "\" type=\"" type "\"/>"
#define VECTORS                                                                                    \
    VECTOR("v8bf16", "bfloat16", 8)                                                                \
    VECTOR("v4f", "ieee_single", 4)                                                                \
    VECTOR("v2d", "ieee_double", 2) VECTOR("v16i8", "int8", 16) VECTOR("v8i16", "int16", 8)        \
        VECTOR("v4i32", "int32", 4)                                                                \
            VECTOR("v2i64", "int64", 2) "<union id=\"vec128\">" MEMBER("v8_bfloat16", "v8bf16")    \
                MEMBER("v4_float", "v4f") MEMBER("v2_double", "v2d") MEMBER("v16_int8", "v16i8")   \
                    MEMBER("v8_int16", "v8i16") MEMBER("v4_int32", "v4i32")                        \
                        MEMBER("v2_int64", "v2i64") MEMBER("uint128", "uint128") "</union>\n"
/* clang-format on */

const struct gdb_feature gdb_amd64_core = {"org.gnu.gdb.i386.core", EFLAGS, GDB_AMD64_RAX,
                                           COUNT(core), core};
const struct gdb_feature gdb_amd64_sse = {"org.gnu.gdb.i386.sse", VECTORS MXCSR, GDB_AMD64_XMM0,
                                          COUNT(sse), sse};
const struct gdb_feature gdb_amd64_linux = {"org.gnu.gdb.i386.linux", NULL, GDB_AMD64_ORIG_RAX,
                                            COUNT(linux_registers), linux_registers};
const struct gdb_feature gdb_amd64_segments = {"org.gnu.gdb.i386.segments", NULL, GDB_AMD64_FS_BASE,
                                               COUNT(segments), segments};
const struct gdb_feature gdb_amd64_avx = {"org.gnu.gdb.i386.avx", NULL, GDB_AMD64_YMM0H, COUNT(avx),
                                          avx};
const struct gdb_feature gdb_amd64_avx512 = {"org.gnu.gdb.i386.avx512",
                                             VECTORS VECTOR("v2ui128", "uint128", 2) "\n",
                                             GDB_AMD64_XMM16, COUNT(avx512), avx512};
const struct gdb_feature gdb_amd64_system = {"hl.amd64.system", CR0 CR4 EFER, GDB_AMD64_CR0,
                                             COUNT(system_registers), system_registers};

const unsigned gdb_amd64_expedite[] = {GDB_AMD64_RBP, GDB_AMD64_RSP, GDB_AMD64_RIP};

_Static_assert(COUNT(core) == GDB_AMD64_XMM0, "core ends where sse begins");
_Static_assert(GDB_AMD64_XMM16 + COUNT(avx512) == GDB_AMD64_CR0, "avx512 ends where system begins");
_Static_assert(GDB_AMD64_CR0 + COUNT(system_registers) == GDB_AMD64_REGISTERS, "system is last");
