/* SPDX-License-Identifier: Apache-2.0 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hex.h"
#include "json_write.h"
#include "ui.h"
#include "utf8.h"
#include "value_text.h"

static const char replacement[] = "\xef\xbf\xbd";

json_t *json_text(const void *data, size_t len)
{
    const unsigned char *s = data;
    char *text = malloc(3 * len + 1);
    size_t n = 0;
    if (!text)
        return NULL;
    for (size_t i = 0; i < len;) {
        size_t good = utf8_character(s + i, len - i, NULL);
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
    char *text = malloc(2 * len + 1);
    if (!text)
        return NULL;
    hex_encode(text, data, len);
    json_t *string = json_stringn(text, 2 * len);
    free(text);
    return string;
}

/* JSON has no infinities and no NaN: they become strings. */
static json_t *real(double d)
{
    return isfinite(d) ? json_real(d) : json_string(isnan(d) ? "nan" : d > 0 ? "inf" : "-inf");
}

/* The double with the fewest digits that is the same float. */
static json_t *real_of_float(float f)
{
    char text[40];
    number_shortest(text, (double)f, true);
    return real(strtod(text, NULL));
}

json_t *json_ms(double ms)
{
    return json_real((double)(json_int_t)(ms * 1e6 + 0.5) / 1e6);
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
        return real_of_float(v->f32);
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

static int printed(json_t *document, bool whole, int status)
{
    json_decref(document);
    putchar('\n');
    if (!whole)
        return ui_error(EXIT_SYSTEM, "cannot make JSON: out of memory");
    return ui_finish(status);
}

int json_print(json_t *document, int status)
{
    return printed(document, json_write(stdout, document, 2), status);
}

int json_print_end(struct json_list *list, json_t *rest, int status)
{
    return printed(rest, json_list_end(list, rest), status);
}
