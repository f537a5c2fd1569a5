/* SPDX-License-Identifier: Apache-2.0 */
#include <hl/value.h>

#include <stdio.h>
#include <string.h>

#include <hl/error.h>

static const char *const names[HL_TYPE_COUNT] = {
    [HL_VOID] = "void",     [HL_I32] = "i32",     [HL_U32] = "u32", [HL_I64] = "i64",
    [HL_U64] = "u64",       [HL_F32] = "f32",     [HL_F64] = "f64", [HL_BOOL] = "bool",
    [HL_STRING] = "string", [HL_BYTES] = "bytes",
};

const char *hl_type_name(enum hl_type type)
{
    return (unsigned)type < HL_TYPE_COUNT ? names[type] : "?";
}

int hl_value_check(const struct hl_value *value, enum hl_type type, struct hl_error *error)
{
    if (!value)
        return hl_error_set(error, HL_ERR_ARGUMENT, "no value");
    if (value->type != type)
        return hl_error_set(error, HL_ERR_SIGNATURE, "the value is of type %s, not %s",
                            hl_type_name(value->type), hl_type_name(type));
    return 0;
}

static const char *skip_spaces(const char *p)
{
    while (*p == ' ' || *p == '\t')
        p++;
    return p;
}

/* Read one type name and the spaces after it; NULL if it is not a type. */
static const char *parse_type(const char *p, enum hl_type *type)
{
    size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
    for (unsigned i = 0; i < HL_TYPE_COUNT; i++)
        if (strlen(names[i]) == n && memcmp(names[i], p, n) == 0) {
            *type = (enum hl_type)i;
            return skip_spaces(p + n);
        }
    return NULL;
}

int hl_signature_parse(const char *text, struct hl_signature *signature)
{
    struct hl_signature s = {.result = HL_VOID};
    const char *p = text ? parse_type(skip_spaces(text), &s.result) : NULL;
    if (!p || *p != '(')
        return HL_ERR_ARGUMENT;
    p = skip_spaces(p + 1);
    while (*p != ')') {
        if (s.count == HL_MAX_ARGS)
            return HL_ERR_ARGUMENT;
        p = parse_type(p, &s.args[s.count]);
        if (!p || s.args[s.count] == HL_VOID)
            return HL_ERR_ARGUMENT;
        s.count++;
        if (*p == ',') {
            p = skip_spaces(p + 1);
            if (*p == ')')
                return HL_ERR_ARGUMENT;
        } else if (*p != ')') {
            return HL_ERR_ARGUMENT;
        }
    }
    if (*skip_spaces(p + 1))
        return HL_ERR_ARGUMENT;
    *signature = s;
    return 0;
}

/* Append to buf at *at; keeps counting past the end, as snprintf() does. */
static void put_text(char *buf, size_t size, size_t *at, const char *text)
{
    int n = snprintf(*at < size ? buf + *at : NULL, *at < size ? size - *at : 0, "%s", text);
    *at += n > 0 ? (size_t)n : 0;
}

int hl_signature_format(const char *name, const struct hl_signature *signature, char *buf,
                        size_t size)
{
    size_t at = 0;
    put_text(buf, size, &at, name);
    put_text(buf, size, &at, "(");
    for (unsigned i = 0; i < signature->count && i < HL_MAX_ARGS; i++) {
        put_text(buf, size, &at, i ? ", " : "");
        put_text(buf, size, &at, hl_type_name(signature->args[i]));
    }
    put_text(buf, size, &at, ") -> ");
    put_text(buf, size, &at, hl_type_name(signature->result));
    return (int)at;
}

bool hl_signature_equal(const struct hl_signature *a, const struct hl_signature *b)
{
    if (a->result != b->result || a->count != b->count || a->count > HL_MAX_ARGS)
        return false;
    for (unsigned i = 0; i < a->count; i++)
        if (a->args[i] != b->args[i])
            return false;
    return true;
}
