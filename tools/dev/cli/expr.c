/* SPDX-License-Identifier: Apache-2.0 */
#include "expr.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hl/sandbox.h>

#include "file.h"
#include "hex.h"
#include "number.h"

/* Where the parser is; `text` is kept to point at the place of an error. */
struct parser {
    const char *text, *at;
    const char *directory;
    struct hl_error *error;
};

static int syntax(const struct parser *p, const char *what)
{
    hl_error_set(p->error, HL_ERR_ARGUMENT, "bad call expression: %s at character %zu of: %s", what,
                 (size_t)(p->at - p->text) + 1, p->text);
    hl_error_hint(p->error, "wanted: Name(arg, ...) with numbers, true, false, \"text\", @FILE or "
                            "x\"00ff\"");
    return HL_ERR_ARGUMENT;
}

static void skip_spaces(struct parser *p)
{
    while (*p->at == ' ' || *p->at == '\t' || *p->at == '\n')
        p->at++;
}

static int mismatch(const struct parser *p, size_t index, enum hl_type type, const char *what)
{
    return hl_error_set(p->error, HL_ERR_SIGNATURE, "argument %zu: %s where %s is wanted: %s",
                        index + 1, what, hl_type_name(type), p->text);
}

/* One C escape after its backslash; -1 if it is not one. */
static int escape(struct parser *p)
{
    static const char from[] = "abfnrtv0\\'\"?", to[] = "\a\b\f\n\r\t\v\0\\'\"?";
    char c = *p->at;
    if (c >= '0' && c <= '7') {
        int value = 0;
        for (int i = 0; i < 3 && *p->at >= '0' && *p->at <= '7'; i++)
            value = value * 8 + (*p->at++ - '0');
        return value > 255 ? -1 : value;
    }
    if (c == 'x') {
        int value = 0, digit;
        const char *start = ++p->at;
        while ((digit = hex_digit((unsigned char)*p->at)) >= 0 && p->at - start < 2) {
            value = value * 16 + digit;
            p->at++;
        }
        return p->at == start ? -1 : value;
    }
    const char *hit = c ? strchr(from, c) : NULL;
    if (!hit)
        return -1;
    p->at++;
    return (unsigned char)to[hit - from];
}

static int parse_string(struct parser *p, char **out, size_t *len)
{
    char *buf = malloc(strlen(p->at) + 1);
    size_t n = 0;
    int rc = 0;
    if (!buf)
        return hl_error_set(p->error, HL_ERR_MEMORY, "out of memory");
    for (p->at++; *p->at != '"' && !rc;) {
        int c = (unsigned char)*p->at;
        if (!c) {
            rc = syntax(p, "a string without its closing quote");
            break;
        }
        p->at++;
        if (c == '\\' && (c = escape(p)) < 0)
            rc = syntax(p, "an unknown escape");
        else
            buf[n++] = (char)c;
    }
    if (rc) {
        free(buf);
        return rc;
    }
    p->at++;
    buf[n] = 0;
    *out = buf;
    *len = n;
    return 0;
}

static int parse_hex(struct parser *p, char **out, size_t *len)
{
    char *buf = malloc(strlen(p->at) + 1);
    size_t n = 0;
    if (!buf)
        return hl_error_set(p->error, HL_ERR_MEMORY, "out of memory");
    for (p->at += 2; *p->at != '"'; p->at += 2)
        if (!hex_decode(buf + n++, p->at, 1)) {
            free(buf);
            return syntax(p, "bytes are pairs of hexadecimal digits: x\"00ff\"");
        }
    p->at++;
    buf[n] = 0;
    *out = buf;
    *len = n;
    return 0;
}

/* @FILE goes up to the next comma or the closing parenthesis; @"FILE" takes any name. */
static int parse_file(struct parser *p, char **out, size_t *len)
{
    char *name = NULL;
    size_t n;
    int rc = 0;
    p->at++;
    if (*p->at == '"') {
        rc = parse_string(p, &name, &n);
    } else {
        n = strcspn(p->at, ",)");
        while (n && isspace((unsigned char)p->at[n - 1]))
            n--;
        name = strndup(p->at, n);
        p->at += n;
        if (!name)
            rc = hl_error_set(p->error, HL_ERR_MEMORY, "out of memory");
    }
    if (!rc && !*name)
        rc = syntax(p, "@ without a file name");
    char *path = rc ? NULL : file_join(p->directory, name);
    if (!rc)
        rc = path ? file_read(path, HL_BUFFER_MAX, out, len, p->error)
                  : hl_error_set(p->error, HL_ERR_MEMORY, "out of memory");
    free(path);
    free(name);
    return rc;
}

/* The run of characters that a number or a word can be made of. */
static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '.' || at[n] == '_' ||
           ((at[n] == '+' || at[n] == '-') && (n == 0 || strchr("eEpP", at[n - 1]))))
        n++;
    return n;
}

static bool parse_integer(const char *word, bool is_signed, unsigned bits, uint64_t *out)
{
    bool negative = word[0] == '-';
    const char *digits = word + (word[0] == '-' || word[0] == '+');
    bool hex = digits[0] == '0' && tolower((unsigned char)digits[1]) == 'x';
    uint64_t value;
    if (!number_is(hex ? digits + 2 : digits, hex ? 16 : 10, UINT64_MAX, &value))
        return false;
    uint64_t max = bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
    if (is_signed)
        max = (max >> 1) + negative;
    if (value > max || (negative && !is_signed && value))
        return false;
    *out = negative ? -(uint64_t)value : value;
    return true;
}

/* `inf` is a number; 1e999 is one that does not fit. */
static bool parse_float(const char *word, bool single, double *out)
{
    char *end;
    errno = 0;
    *out = single ? (double)strtof(word, &end) : strtod(word, &end);
    return end != word && !*end && !(errno == ERANGE && isinf(*out));
}

/* Is the word a value of v's type?  Then v has it. */
static bool parse_value(const char *word, struct hl_value *v)
{
    uint64_t bits = 0;
    double number = 0;
    bool ok = false;
    switch (v->type) {
    case HL_I32:
        ok = parse_integer(word, true, 32, &bits);
        v->i32 = (int32_t)bits;
        return ok;
    case HL_U32:
        ok = parse_integer(word, false, 32, &bits);
        v->u32 = (uint32_t)bits;
        return ok;
    case HL_I64:
    case HL_U64:
        return parse_integer(word, v->type == HL_I64, 64, &v->u64);
    case HL_F32:
        ok = parse_float(word, true, &number);
        v->f32 = (float)number;
        return ok;
    case HL_F64:
        return parse_float(word, false, &v->f64);
    case HL_BOOL:
        v->boolean = strcmp(word, "true") == 0;
        return v->boolean || strcmp(word, "false") == 0;
    default:
        return false;
    }
}

static bool is_decimal(const char *word)
{
    word += *word == '-' || *word == '+';
    return *word && !word[strspn(word, "0123456789")];
}

static int parse_word(struct parser *p, size_t index, struct hl_value *v)
{
    char word[128];
    size_t n = word_length(p->at);
    if (!n)
        return syntax(p, "an argument is missing");
    if (n >= sizeof(word))
        return syntax(p, "a word that is too long");
    memcpy(word, p->at, n);
    word[n] = 0;
    if (parse_value(word, v)) {
        p->at += n;
        return 0;
    }
    if (is_decimal(word) && v->type >= HL_I32 && v->type <= HL_U64)
        return hl_error_set(p->error, HL_ERR_SIGNATURE,
                            "argument %zu: %s is out of range for %s: %s", index + 1, word,
                            hl_type_name(v->type), p->text);
    return mismatch(p, index, v->type, word);
}

static int parse_data(struct parser *p, struct expr *expr, size_t index)
{
    struct hl_value *v = &expr->value[index];
    bool string = *p->at == '"', hex = p->at[0] == 'x' && p->at[1] == '"';
    char *data = NULL;
    size_t len = 0;
    if (v->type != HL_STRING && v->type != HL_BYTES)
        return mismatch(p, index, v->type, string ? "a string" : hex ? "bytes" : "a file");
    if (hex && v->type == HL_STRING)
        return mismatch(p, index, v->type, "bytes");
    int rc = string ? parse_string(p, &data, &len)
             : hex  ? parse_hex(p, &data, &len)
                    : parse_file(p, &data, &len);
    if (rc)
        return rc;
    expr->owned[index] = data;
    v->data = data;
    v->len = len;
    if (v->type == HL_STRING && memchr(data, 0, len))
        return mismatch(p, index, v->type, "text with a NUL in it");
    return 0;
}

static int parse_argument(struct parser *p, struct expr *expr, enum hl_type type)
{
    size_t index = expr->count;
    expr->value[index].type = type;
    bool data = *p->at == '"' || *p->at == '@' || (p->at[0] == 'x' && p->at[1] == '"');
    int rc = data ? parse_data(p, expr, index) : parse_word(p, index, &expr->value[index]);
    expr->count++; /* what it owns is freed even after an error */
    return rc;
}

static int wrong_count(const struct parser *p, const struct hl_function *f, const char *how)
{
    char text[256];
    hl_signature_format(f->name, &f->signature, text, sizeof(text));
    return hl_error_set(p->error, HL_ERR_SIGNATURE, "too %s arguments for %s: %s", how, text,
                        p->text);
}

static int parse_arguments(struct parser *p, struct expr *expr, const struct hl_function *f)
{
    const struct hl_signature *s = &f->signature;
    skip_spaces(p);
    while (*p->at != ')') {
        if (expr->count == s->count)
            return wrong_count(p, f, "many");
        int rc = parse_argument(p, expr, s->args[expr->count]);
        if (rc)
            return rc;
        skip_spaces(p);
        if (*p->at == ',') {
            p->at++;
            skip_spaces(p);
            if (*p->at == ')')
                return syntax(p, "an argument is missing");
        } else if (*p->at != ')') {
            return syntax(p, "a comma or a closing parenthesis is missing");
        }
    }
    p->at++;
    skip_spaces(p);
    if (*p->at)
        return syntax(p, "something follows the closing parenthesis");
    return expr->count < s->count ? wrong_count(p, f, "few") : 0;
}

static int parse(struct parser *p, struct expr *expr, const struct hl_image *image)
{
    skip_spaces(p);
    size_t n = strcspn(p->at, "( \t\n,\")");
    char name[HL_NAME_SIZE];
    if (!n || n >= sizeof(name))
        return syntax(p, n ? "a name that is too long" : "a function name is missing");
    memcpy(name, p->at, n);
    name[n] = 0;
    p->at += n;
    skip_spaces(p);
    if (*p->at != '(')
        return syntax(p, "an opening parenthesis is missing");
    p->at++;
    int index = hl_image_require(image, name, p->error);
    if (index < 0)
        return index;
    expr->function = (size_t)index;
    return parse_arguments(p, expr, hl_image_function(image, expr->function));
}

int expr_parse(struct expr *expr, const char *text, const struct hl_image *image,
               const char *directory, struct hl_error *error)
{
    struct parser p = {.text = text, .at = text, .directory = directory, .error = error};
    *expr = (struct expr){0};
    int rc = parse(&p, expr, image);
    if (rc)
        expr_free(expr);
    return rc;
}

void expr_free(struct expr *expr)
{
    for (size_t i = 0; i < HL_MAX_ARGS; i++)
        free(expr->owned[i]);
    *expr = (struct expr){0};
}

size_t expr_input_size(const struct expr *expr)
{
    size_t size = sizeof(struct hl_input);
    for (size_t i = 0; i < expr->count; i++)
        if (expr->value[i].type == HL_STRING || expr->value[i].type == HL_BYTES)
            size += expr->value[i].len + 32;
    return size;
}

/* Never looks like an integer. */
