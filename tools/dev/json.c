/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui.h"

static const char replacement[] = "\xef\xbf\xbd";

size_t json_utf8_length(const unsigned char *s, size_t left)
{
    size_t n = s[0] < 0x80   ? 1
               : s[0] < 0xc2 ? 0
               : s[0] < 0xe0 ? 2
               : s[0] < 0xf0 ? 3
               : s[0] < 0xf5 ? 4
                             : 0;
    if (n > left)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    if ((n == 3 && s[0] == 0xe0 && s[1] < 0xa0) || (n == 3 && s[0] == 0xed && s[1] >= 0xa0) ||
        (n == 4 && s[0] == 0xf0 && s[1] < 0x90) || (n == 4 && s[0] == 0xf4 && s[1] >= 0x90))
        return 0;
    return n;
}

json_t *json_text(const void *data, size_t len)
{
    const unsigned char *s = data;
    char *text = malloc(3 * len + 1);
    size_t n = 0;
    if (!text)
        return NULL;
    for (size_t i = 0; i < len;) {
        size_t good = json_utf8_length(s + i, len - i);
        memcpy(text + n, good ? (const char *)s + i : replacement, good ? good : 3);
        n += good ? good : 3;
        i += good ? good : 1;
    }
    json_t *string = json_stringn(text, n);
    free(text);
    return string;
}

static json_t *hex(const unsigned char *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    char *text = malloc(2 * len + 1);
    if (!text)
        return NULL;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[data[i] >> 4];
        text[2 * i + 1] = digits[data[i] & 15];
    }
    json_t *string = json_stringn(text, 2 * len);
    free(text);
    return string;
}

/* JSON has no infinities and no NaN: they become strings. */
static json_t *real(double d)
{
    return isfinite(d) ? json_real(d) : json_string(isnan(d) ? "nan" : d > 0 ? "inf" : "-inf");
}

json_t *json_value(const struct hl_value *v)
{
    switch (v->type) {
    case HL_I32:
        return json_integer(v->i32);
    case HL_U32:
        return json_integer(v->u32);
    case HL_I64:
        return json_integer(v->i64);
    case HL_U64:
        /* jansson's integers are signed: what does not fit is written as a string. */
        return v->u64 <= INT64_MAX ? json_integer((json_int_t)v->u64)
                                   : json_sprintf("%llu", (unsigned long long)v->u64);
    case HL_F32:
        return real((double)v->f32);
    case HL_F64:
        return real(v->f64);
    case HL_BOOL:
        return json_boolean(v->boolean);
    case HL_STRING:
        return json_text(v->data, v->len);
    case HL_BYTES:
        return hex(v->data, v->len);
    default:
        return json_null();
    }
}

json_t *json_error(const struct hl_error *error)
{
    json_t *o = json_object();
    json_object_set_new(o, "code", json_string(hl_err_name(error->code)));
    json_object_set_new(o, "message", json_text(error->text, strlen(error->text)));
    if (error->hint[0])
        json_object_set_new(o, "hint", json_text(error->hint, strlen(error->hint)));
    return o;
}

int json_print(json_t *document, int status)
{
    int rc = json_dumpf(document, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    json_decref(document);
    putchar('\n');
    if (rc && !ferror(stdout))
        return ui_error(EXIT_SYSTEM, "cannot make JSON: out of memory");
    return ui_finish(status);
}
