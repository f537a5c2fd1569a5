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
#include <hl/error.h>
#include <hl/export.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * One argument or result.  A STRING or BYTES value does not own its data: each function says how
 * long `data` is valid.  A STRING has a NUL at data[len] and no NUL before it; one with a wrong len
 * is refused (hl_string() sets len).
 */
struct hl_value {
    enum hl_type type;
    __extension__ union {
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

/*
 * Constructors, one for each type: (struct hl_value[]){hl_string("x"), hl_i32(1)}, and *result =
 * hl_i32(1) in a host function.  hl_string() and hl_bytes() keep the pointer and copy nothing;
 * hl_string(NULL) and hl_bytes(NULL, 0) are empty.
 */
#define HL_VALUE_OF(name, ctype, member, number)                                                   \
    static inline struct hl_value hl_##name(ctype value)                                           \
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

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* g++: hl/guest.h has a struct of this name */
static inline struct hl_value hl_bytes(const void *data, size_t len)
{
    struct hl_value v;
    v.type = HL_BYTES;
    v.data = data;
    v.len = len;
    return v;
}
#pragma GCC diagnostic pop

static inline struct hl_value hl_string(const char *text)
{
    struct hl_value v;
    v.type = HL_STRING;
    v.data = text;
    v.len = text ? strlen(text) : 0;
    return v;
}

/* The same under older names. */
#define hl_value_i32 hl_i32
#define hl_value_u32 hl_u32
#define hl_value_i64 hl_i64
#define hl_value_u64 hl_u64
#define hl_value_f32 hl_f32
#define hl_value_f64 hl_f64
#define hl_value_bool hl_bool
#define hl_value_bytes hl_bytes
#define hl_value_string hl_string

/* 0 if value has that type, SIGNATURE if not, ARGUMENT if value is NULL. */
HL_API int hl_value_check(const struct hl_value *value, enum hl_type type, struct hl_error *error);

/*
 * Get what is in a value, after a check of its type:
 *
 *     rc = hl_sandbox_call(sb, "Add", args, 2, &result, &error);
 *     if (!rc)
 *         rc = hl_get_i32(&result, &sum, &error);
 *
 * Returns 0, or the error of hl_value_check(), and then does not change *to.  Strings and bytes are
 * valid as long as those of the value, and never NULL, even if empty.
 */
#define HL_VALUE_GET(name, pointer, member, number)                                                \
    static inline int hl_get_##name(const struct hl_value *value, pointer to,                      \
                                    struct hl_error *error)                                        \
    {                                                                                              \
        int rc = hl_value_check(value, number, error);                                             \
        if (!rc)                                                                                   \
            *to = value->member;                                                                   \
        return rc;                                                                                 \
    }
HL_VALUE_GET(i32, int32_t *, i32, HL_I32)
HL_VALUE_GET(u32, uint32_t *, u32, HL_U32)
HL_VALUE_GET(i64, int64_t *, i64, HL_I64)
HL_VALUE_GET(u64, uint64_t *, u64, HL_U64)
HL_VALUE_GET(f32, float *, f32, HL_F32)
HL_VALUE_GET(f64, double *, f64, HL_F64)
HL_VALUE_GET(bool, bool *, boolean, HL_BOOL)
#undef HL_VALUE_GET

static inline int hl_get_string(const struct hl_value *value, const char **to,
                                struct hl_error *error)
{
    int rc = hl_value_check(value, HL_STRING, error);
    if (!rc)
        *to = value->data ? (const char *)value->data : "";
    return rc;
}

static inline int hl_get_bytes(const struct hl_value *value, const void **to, size_t *len,
                               struct hl_error *error)
{
    int rc = hl_value_check(value, HL_BYTES, error);
    if (!rc) {
        *to = value->data ? value->data : "";
        *len = value->len;
    }
    return rc;
}

/* The types of a function's result and arguments. */
struct hl_signature {
    enum hl_type result;
    unsigned count;
    enum hl_type args[HL_MAX_ARGS];
};

/* "void", "i32", ... "bytes"; "?" for a number that is not a type.  A static string. */
HL_API const char *hl_type_name(enum hl_type type);

/*
 * Parse "i32(i32, string)"; spaces around types are ignored.  0, or HL_ERR_ARGUMENT, also for NULL;
 * then *signature is not changed.
 */
HL_API int hl_signature_parse(const char *text, struct hl_signature *signature);

/* Write "NAME(i32, string) -> i32".  Returns the length of the whole text, as snprintf() does. */
HL_API int hl_signature_format(const char *name, const struct hl_signature *signature, char *buf,
                               size_t size);

/* True if the result and all arguments have the same types. */
HL_API bool hl_signature_equal(const struct hl_signature *a, const struct hl_signature *b);

#ifdef __cplusplus
}
#endif

#endif
