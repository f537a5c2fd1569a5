/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/guest-detail.h - what the macros of hl/guest.h expand to.  Not for authors: anything here may
 * change.  Included by hl/guest.h only.
 *
 * HL_FUNCTION emits a thunk, from the slots of a message to a typed call and back, and a struct
 * hl_desc in section hl_functions.  HL_HOST_FUNCTION emits an inline function that does the
 * reverse, and its descriptor as assembler text from inside that function: so the descriptor
 * exists only where the function is used, and as a COMDAT group, so that however many files use
 * it, one remains.
 */
#ifndef HL_GUEST_DETAIL_H
#define HL_GUEST_DETAIL_H

#include <hl/guest.h>

#ifdef __cplusplus
#define HL_DETAIL_C extern "C"
#define HL_DETAIL_BOOL bool
#define HL_DETAIL_U64(pointer) reinterpret_cast<uint64_t>(pointer)
extern "C" {
#else
#define HL_DETAIL_C
#define HL_DETAIL_BOOL _Bool
#define HL_DETAIL_U64(pointer) ((uint64_t)(pointer))
#endif

/* The slots of the message about to be sent to the host. */
struct hl_slot *hl_detail_arguments(void);

/* Calls the host function; its result, or a slot of zeros if it failed. */
const struct hl_slot *hl_detail_call(const struct hl_desc *import);

void hl_detail_put_string(struct hl_slot *slot, const char *value);

#ifdef __cplusplus
}
#endif

/* ---- Slots: put_TYPE writes one, get_TYPE reads one ------------------------------------------ */

#define HL_DETAIL_INLINE static __inline__ __attribute__((unused))

HL_DETAIL_INLINE void hl_detail_put(struct hl_slot *slot, uint32_t type, uint64_t bits,
                                    uint64_t len)
{
    slot->type = type;
    slot->reserved = 0;
    slot->bits = bits;
    slot->len = len;
}

#define HL_DETAIL_INTEGER(name, ctype, code)                                                       \
    HL_DETAIL_INLINE void hl_detail_put_##name(struct hl_slot *slot, ctype value)                  \
    {                                                                                              \
        hl_detail_put(slot, code, (uint64_t)value, 0);                                             \
    }                                                                                              \
    HL_DETAIL_INLINE ctype hl_detail_get_##name(const struct hl_slot *slot)                        \
    {                                                                                              \
        return (ctype)slot->bits;                                                                  \
    }

/* A slot holds a signed 32-bit value zero-extended, hence the conversion by way of uint32_t. */
HL_DETAIL_INLINE void hl_detail_put_i32(struct hl_slot *slot, int32_t value)
{
    hl_detail_put(slot, HL_I32, (uint32_t)value, 0);
}

HL_DETAIL_INLINE int32_t hl_detail_get_i32(const struct hl_slot *slot)
{
    return (int32_t)(uint32_t)slot->bits;
}

HL_DETAIL_INTEGER(u32, uint32_t, HL_U32)
HL_DETAIL_INTEGER(i64, int64_t, HL_I64)
HL_DETAIL_INTEGER(u64, uint64_t, HL_U64)

HL_DETAIL_INLINE void hl_detail_put_bool(struct hl_slot *slot, HL_DETAIL_BOOL value)
{
    hl_detail_put(slot, HL_BOOL, value ? 1 : 0, 0);
}

HL_DETAIL_INLINE HL_DETAIL_BOOL hl_detail_get_bool(const struct hl_slot *slot)
{
    return slot->bits != 0;
}

HL_DETAIL_INLINE void hl_detail_put_f32(struct hl_slot *slot, float value)
{
    uint32_t bits;

    __builtin_memcpy(&bits, &value, sizeof(bits));
    hl_detail_put(slot, HL_F32, bits, 0);
}

HL_DETAIL_INLINE float hl_detail_get_f32(const struct hl_slot *slot)
{
    uint32_t bits = (uint32_t)slot->bits;
    float value;

    __builtin_memcpy(&value, &bits, sizeof(value));
    return value;
}

HL_DETAIL_INLINE void hl_detail_put_f64(struct hl_slot *slot, double value)
{
    uint64_t bits;

    __builtin_memcpy(&bits, &value, sizeof(bits));
    hl_detail_put(slot, HL_F64, bits, 0);
}

HL_DETAIL_INLINE double hl_detail_get_f64(const struct hl_slot *slot)
{
    double value;

    __builtin_memcpy(&value, &slot->bits, sizeof(value));
    return value;
}

HL_DETAIL_INLINE const char *hl_detail_get_string(const struct hl_slot *slot)
{
    return (const char *)(uintptr_t)slot->bits;
}

HL_DETAIL_INLINE void hl_detail_put_bytes(struct hl_slot *slot, struct hl_bytes value)
{
    hl_detail_put(slot, HL_BYTES, (uint64_t)(uintptr_t)value.data, value.len);
}

HL_DETAIL_INLINE struct hl_bytes hl_detail_get_bytes(const struct hl_slot *slot)
{
    return hl_bytes_of((const void *)(uintptr_t)slot->bits, (size_t)slot->len);
}

/* ---- Type names: C type, number, how to put and get ------------------------------------------ */

#define HL_DETAIL_CTYPE_void void
#define HL_DETAIL_CTYPE_i32 int32_t
#define HL_DETAIL_CTYPE_u32 uint32_t
#define HL_DETAIL_CTYPE_i64 int64_t
#define HL_DETAIL_CTYPE_u64 uint64_t
#define HL_DETAIL_CTYPE_f32 float
#define HL_DETAIL_CTYPE_f64 double
#define HL_DETAIL_CTYPE_bool HL_DETAIL_BOOL
#define HL_DETAIL_CTYPE_string const char *
#define HL_DETAIL_CTYPE_bytes struct hl_bytes

/* enum hl_type as digits, for the assembler; src/call.c asserts that they agree. */
#define HL_DETAIL_CODE_void 0
#define HL_DETAIL_CODE_i32 1
#define HL_DETAIL_CODE_u32 2
#define HL_DETAIL_CODE_i64 3
#define HL_DETAIL_CODE_u64 4
#define HL_DETAIL_CODE_f32 5
#define HL_DETAIL_CODE_f64 6
#define HL_DETAIL_CODE_bool 7
#define HL_DETAIL_CODE_string 8
#define HL_DETAIL_CODE_bytes 9

/* The result of a guest function, `call`, into a slot. */
#define HL_DETAIL_SEND_void(slot, call) ((call), hl_detail_put(slot, HL_VOID, 0, 0))
#define HL_DETAIL_SEND_i32(slot, call) hl_detail_put_i32(slot, call)
#define HL_DETAIL_SEND_u32(slot, call) hl_detail_put_u32(slot, call)
#define HL_DETAIL_SEND_i64(slot, call) hl_detail_put_i64(slot, call)
#define HL_DETAIL_SEND_u64(slot, call) hl_detail_put_u64(slot, call)
#define HL_DETAIL_SEND_f32(slot, call) hl_detail_put_f32(slot, call)
#define HL_DETAIL_SEND_f64(slot, call) hl_detail_put_f64(slot, call)
#define HL_DETAIL_SEND_bool(slot, call) hl_detail_put_bool(slot, call)
#define HL_DETAIL_SEND_string(slot, call) hl_detail_put_string(slot, call)
#define HL_DETAIL_SEND_bytes(slot, call) hl_detail_put_bytes(slot, call)

/* A slot as a C value. */
#define HL_DETAIL_GET_i32(slot) hl_detail_get_i32(slot)
#define HL_DETAIL_GET_u32(slot) hl_detail_get_u32(slot)
#define HL_DETAIL_GET_i64(slot) hl_detail_get_i64(slot)
#define HL_DETAIL_GET_u64(slot) hl_detail_get_u64(slot)
#define HL_DETAIL_GET_f32(slot) hl_detail_get_f32(slot)
#define HL_DETAIL_GET_f64(slot) hl_detail_get_f64(slot)
#define HL_DETAIL_GET_bool(slot) hl_detail_get_bool(slot)
#define HL_DETAIL_GET_string(slot) hl_detail_get_string(slot)
#define HL_DETAIL_GET_bytes(slot) hl_detail_get_bytes(slot)

/* Leaves a host function with its result. */
#define HL_DETAIL_RETURN_void(slot) ((void)(slot))
#define HL_DETAIL_RETURN_i32(slot) return hl_detail_get_i32(slot)
#define HL_DETAIL_RETURN_u32(slot) return hl_detail_get_u32(slot)
#define HL_DETAIL_RETURN_i64(slot) return hl_detail_get_i64(slot)
#define HL_DETAIL_RETURN_u64(slot) return hl_detail_get_u64(slot)
#define HL_DETAIL_RETURN_f32(slot) return hl_detail_get_f32(slot)
#define HL_DETAIL_RETURN_f64(slot) return hl_detail_get_f64(slot)
#define HL_DETAIL_RETURN_bool(slot) return hl_detail_get_bool(slot)
#define HL_DETAIL_RETURN_string(slot) return hl_detail_get_string(slot)
#define HL_DETAIL_RETURN_bytes(slot) return hl_detail_get_bytes(slot)

/* <stdbool.h> makes `bool` a macro for _Bool, which is then what the macros see. */
#define HL_DETAIL_CTYPE__Bool HL_DETAIL_CTYPE_bool
#define HL_DETAIL_CODE__Bool HL_DETAIL_CODE_bool
#define HL_DETAIL_SEND__Bool HL_DETAIL_SEND_bool
#define HL_DETAIL_GET__Bool HL_DETAIL_GET_bool
#define HL_DETAIL_RETURN__Bool HL_DETAIL_RETURN_bool

/* ---- Macro machinery ------------------------------------------------------------------------- */

#define HL_DETAIL_STR(...) HL_DETAIL_STR_(__VA_ARGS__)
#define HL_DETAIL_STR_(...) #__VA_ARGS__
#define HL_DETAIL_CAT(a, b) HL_DETAIL_CAT_(a, b)
#define HL_DETAIL_CAT_(a, b) a##b
#define HL_DETAIL_FIRST(first, ...) first

/* Number of arguments after the name: 0 to 16. */
#define HL_DETAIL_COUNT(...)                                                                       \
    HL_DETAIL_COUNT_(__VA_ARGS__, too_many_arguments, too_many_arguments, too_many_arguments,      \
                     too_many_arguments, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, \
                     0)
#define HL_DETAIL_COUNT_(name, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, count,  \
                         ...)                                                                      \
    count

/*
 * HL_DETAIL_EACH(n, m, none, fn, pair...): m(0, pair), m(1, pair)... or `none` where n is 0.
 * Each step knows how many are left; the index is what is gone of n.
 */
#define HL_DETAIL_EACH(n, m, none, ...)                                                            \
    HL_DETAIL_CAT(HL_DETAIL_EACH_, n)(m, n, none, __VA_ARGS__, HL_DETAIL_END)
#define HL_DETAIL_EACH_0(m, n, none, fn, end) none
#define HL_DETAIL_EACH_1(m, n, none, fn, a, end) m((n)-1, a)
#define HL_DETAIL_EACH_2(m, n, none, fn, a, ...)                                                   \
    m((n)-2, a), HL_DETAIL_EACH_1(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_3(m, n, none, fn, a, ...)                                                   \
    m((n)-3, a), HL_DETAIL_EACH_2(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_4(m, n, none, fn, a, ...)                                                   \
    m((n)-4, a), HL_DETAIL_EACH_3(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_5(m, n, none, fn, a, ...)                                                   \
    m((n)-5, a), HL_DETAIL_EACH_4(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_6(m, n, none, fn, a, ...)                                                   \
    m((n)-6, a), HL_DETAIL_EACH_5(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_7(m, n, none, fn, a, ...)                                                   \
    m((n)-7, a), HL_DETAIL_EACH_6(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_8(m, n, none, fn, a, ...)                                                   \
    m((n)-8, a), HL_DETAIL_EACH_7(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_9(m, n, none, fn, a, ...)                                                   \
    m((n)-9, a), HL_DETAIL_EACH_8(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_10(m, n, none, fn, a, ...)                                                  \
    m((n)-10, a), HL_DETAIL_EACH_9(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_11(m, n, none, fn, a, ...)                                                  \
    m((n)-11, a), HL_DETAIL_EACH_10(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_12(m, n, none, fn, a, ...)                                                  \
    m((n)-12, a), HL_DETAIL_EACH_11(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_13(m, n, none, fn, a, ...)                                                  \
    m((n)-13, a), HL_DETAIL_EACH_12(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_14(m, n, none, fn, a, ...)                                                  \
    m((n)-14, a), HL_DETAIL_EACH_13(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_15(m, n, none, fn, a, ...)                                                  \
    m((n)-15, a), HL_DETAIL_EACH_14(m, n, none, fn, __VA_ARGS__)
#define HL_DETAIL_EACH_16(m, n, none, fn, a, ...)                                                  \
    m((n)-16, a), HL_DETAIL_EACH_15(m, n, none, fn, __VA_ARGS__)

/* What is done with each (type, argument) pair. */
#define HL_DETAIL_PARAMETER(i, pair) HL_DETAIL_PARAMETER_ pair
#define HL_DETAIL_PARAMETER_(type, name) HL_DETAIL_CAT(HL_DETAIL_CTYPE_, type) name
#define HL_DETAIL_CODE(i, pair) HL_DETAIL_CODE_OF pair
#define HL_DETAIL_CODE_OF(type, name) HL_DETAIL_CAT(HL_DETAIL_CODE_, type)
#define HL_DETAIL_LOAD(i, pair) HL_DETAIL_LOAD_(i, HL_DETAIL_TYPE_OF pair)
#define HL_DETAIL_LOAD_(i, type) HL_DETAIL_CAT(HL_DETAIL_GET_, type)(&hl_args[i])
#define HL_DETAIL_STORE(i, pair) HL_DETAIL_STORE_(i, HL_DETAIL_TYPE_OF pair, HL_DETAIL_NAME_OF pair)
#define HL_DETAIL_STORE_(i, type, name) HL_DETAIL_CAT(HL_DETAIL_SEND_, type)(&hl_args[i], name)
#define HL_DETAIL_TYPE_OF(type, name) type
#define HL_DETAIL_NAME_OF(type, name) name

/* `result name(parameters)` */
#define HL_DETAIL_HEADER(n, result, ...)                                                           \
    HL_DETAIL_CAT(HL_DETAIL_CTYPE_, result)                                                        \
    HL_DETAIL_FIRST(__VA_ARGS__, 0)(HL_DETAIL_EACH(n, HL_DETAIL_PARAMETER, void, __VA_ARGS__))

#define HL_DETAIL_CHECK_NAME(name)                                                                 \
    HL_ABI_ASSERT(sizeof(name) > 1 && sizeof(name) <= HL_NAME_SIZE,                                \
                  "a function's name has 1 to 87 characters")

/* ---- HL_FUNCTION ----------------------------------------------------------------------------- */

/*
 * Inlined into its thunk a function would have no frame of its own, and a debugger that stops at it
 * would show the thunk.  The call costs nothing beside the exit that brought us here.
 */
#define HL_DETAIL_NOINLINE __attribute__((noinline))

#define HL_DETAIL_FUNCTION(n, result, name, ...)                                                   \
    HL_DETAIL_CHECK_NAME(name);                                                                    \
    HL_DETAIL_UNIQUE(name);                                                                        \
    HL_DETAIL_C HL_DETAIL_NOINLINE HL_DETAIL_HEADER(n, result, __VA_ARGS__);                       \
    HL_DETAIL_THUNK(n, result, HL_DETAIL_FIRST(__VA_ARGS__, 0), __VA_ARGS__)                       \
    HL_DETAIL_DESC(n, result, name, HL_DETAIL_FIRST(__VA_ARGS__, 0), __VA_ARGS__);                 \
    HL_DETAIL_HEADER(n, result, __VA_ARGS__)

/* A symbol for the name, in a section the linker drops: two of them do not link. */
#define HL_DETAIL_UNIQUE(name)                                                                     \
    __asm__(".pushsection .hl.names,\"\",@progbits\n"                                              \
            ".globl \"hl_function:" name "\"\n"                                                    \
            "\"hl_function:" name "\": .byte 0\n"                                                  \
            ".popsection")

#define HL_DETAIL_THUNK(n, result, fn, ...)                                                        \
    static void HL_DETAIL_CAT(hl_thunk_, fn)(const struct hl_slot *hl_args,                        \
                                             struct hl_slot *hl_result)                            \
    {                                                                                              \
        (void)hl_args;                                                                             \
        HL_DETAIL_CAT(HL_DETAIL_SEND_, result)                                                     \
        (hl_result, fn(HL_DETAIL_EACH(n, HL_DETAIL_LOAD, , __VA_ARGS__)));                         \
    }

/* aligned: the table is an array, and gcc would pad large objects.  In order: as in the source. */
#ifdef __clang__
#define HL_DETAIL_IN_ORDER
#else
#define HL_DETAIL_IN_ORDER , no_reorder
#endif
#define HL_DETAIL_DESC(n, result, name, fn, ...)                                                   \
    static const struct hl_desc HL_DETAIL_CAT(hl_desc_, fn)                                        \
        __attribute__((section("hl_functions"), used, aligned(8) HL_DETAIL_IN_ORDER)) = {          \
            HL_DETAIL_U64(fn),                                                                     \
            HL_DETAIL_U64(HL_DETAIL_CAT(hl_thunk_, fn)),                                           \
            HL_DETAIL_CAT(HL_DETAIL_CODE_, result),                                                \
            n,                                                                                     \
            {HL_DETAIL_EACH(n, HL_DETAIL_CODE, 0, __VA_ARGS__)},                                   \
            {0},                                                                                   \
            name}

/* ---- HL_HOST_FUNCTION ------------------------------------------------------------------------ */

#define HL_DETAIL_IMPORT(n, result, name, ...)                                                     \
    HL_DETAIL_INLINE HL_DETAIL_HEADER(n, result, __VA_ARGS__)                                      \
    {                                                                                              \
        const struct hl_desc *hl_import;                                                           \
        struct hl_slot *hl_args = hl_detail_arguments();                                           \
                                                                                                   \
        (void)hl_args;                                                                             \
        HL_DETAIL_IMPORT_DESC(HL_DETAIL_STR(n),                                                    \
                              HL_DETAIL_STR(HL_DETAIL_CAT(HL_DETAIL_CODE_, result)), name,         \
                              HL_DETAIL_STR(HL_DETAIL_FIRST(__VA_ARGS__, 0)),                      \
                              HL_DETAIL_STR(HL_DETAIL_EACH(n, HL_DETAIL_CODE, 0, __VA_ARGS__)));   \
        __asm__("leaq hl_import." HL_DETAIL_STR(HL_DETAIL_FIRST(__VA_ARGS__, 0)) "(%%rip), %0"     \
                : "=r"(hl_import));                                                                \
        HL_DETAIL_EACH(n, HL_DETAIL_STORE, (void)0, __VA_ARGS__);                                  \
        HL_DETAIL_CAT(HL_DETAIL_RETURN_, result)(hl_detail_call(hl_import));                       \
    }                                                                                              \
    HL_DETAIL_CHECK_NAME(name)

/*
 * The descriptor, once an object file (.ifndef: the function may be inlined at several places) and
 * once per guest (the group).  The types are part of the group's name: declarations that differ
 * make two groups, whose symbols then clash, which is the error wanted.
 */
#define HL_DETAIL_IMPORT_DESC(n, result, name, fn, types)                                          \
    __asm__(".ifndef hl_import." fn "\n"                                                           \
            ".pushsection hl_imports, \"aG\", @progbits, "                                         \
            "\"hl_import." fn ":" result ":" types "\", comdat\n"                                  \
            ".balign 8\n"                                                                          \
            ".globl hl_import." fn ", \"hl_import:" name "\"\n"                                    \
            ".hidden hl_import." fn "\n"                                                           \
            ".type hl_import." fn ", @object\n"                                                    \
            ".size hl_import." fn ", 128\n"                                                        \
            "hl_import." fn ":\n"                                                                  \
            "\"hl_import:" name "\":\n"                                                            \
            ".quad 0, 0\n"                                                                         \
            ".byte " result ", " n ", " types "\n"                                                 \
            ".org hl_import." fn " + 40\n"                                                         \
            ".asciz \"" name "\"\n"                                                                \
            ".org hl_import." fn " + 128\n"                                                        \
            ".popsection\n"                                                                        \
            ".endif")

#endif
