/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hl/value.h - typed values that cross the boundary, and function signatures.
 */
#ifndef HL_VALUE_H
#define HL_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <hl/abi.h>
#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One argument or result.  STRING and BYTES borrow: `data` belongs to whoever made the value (see
 * each function for how long it lives); a STRING has a NUL at data[len] and none before, so one
 * whose len was forgotten is refused (hl_value_string() sets it).
 */
struct hl_value {
    enum hl_type type;
    union {
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        float f32;
        double f64;
        bool boolean;
        __extension__ struct {
            const void *data;
            size_t len;
        };
    };
};

/* Values in an expression: (struct hl_value[]){hl_value_string("x"), hl_value_i32(1)}. */
#define HL_VALUE_OF(name, ctype, member, number)                                                   \
    static inline struct hl_value hl_value_##name(ctype value)                                     \
    {                                                                                              \
        struct hl_value v;                                                                         \
        v.type = number;                                                                           \
        v.member = value;                                                                          \
        return v;                                                                                  \
    }
HL_VALUE_OF(i32, int32_t, i32, HL_I32)
HL_VALUE_OF(u32, uint32_t, u32, HL_U32)
HL_VALUE_OF(i64, int64_t, i64, HL_I64)
HL_VALUE_OF(u64, uint64_t, u64, HL_U64)
HL_VALUE_OF(f32, float, f32, HL_F32)
HL_VALUE_OF(f64, double, f64, HL_F64)
HL_VALUE_OF(bool, bool, boolean, HL_BOOL)
#undef HL_VALUE_OF

static inline struct hl_value hl_value_bytes(const void *data, size_t len)
{
    struct hl_value v;
    v.type = HL_BYTES;
    v.data = data;
    v.len = len;
    return v;
}

/* NULL is the empty one. */
static inline struct hl_value hl_value_string(const char *text)
{
    struct hl_value v = hl_value_bytes(text, text ? strlen(text) : 0);
    v.type = HL_STRING;
    return v;
}

/* What a function takes and gives. */
struct hl_signature {
    enum hl_type result;
    unsigned count;
    enum hl_type args[HL_MAX_ARGS];
};

/* "void", "i32", ... "bytes"; "?" for a number that is no type. */
HL_API const char *hl_type_name(enum hl_type type);

/*
 * Parse "i32(i32, string)"; spaces are free.  0, or HL_ERR_ARGUMENT.
 */
HL_API int hl_signature_parse(const char *text, struct hl_signature *signature);

/* Write "NAME(i32, string) -> i32"; returns the length it needs, as snprintf does. */
HL_API int hl_signature_format(const char *name, const struct hl_signature *signature, char *buf,
                               size_t size);

HL_API bool hl_signature_equal(const struct hl_signature *a, const struct hl_signature *b);

#ifdef __cplusplus
}
#endif

#endif
