/* SPDX-License-Identifier: Apache-2.0 */
#include "json_write.h"

#include <string.h>

#include "quote.h"
#include "value_text.h"

struct writer {
    FILE *f;
    unsigned indent, level;
    const struct json_raw *raw;
    bool failed;
};

static void put_real(struct writer *w, double d)
{
    char text[40];
    number_shortest(text, d, false);
    fprintf(w->f, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void new_line(struct writer *w)
{
    if (w->indent)
        fprintf(w->f, "\n%*s", (int)(w->indent * w->level), "");
}

static void put_value(struct writer *w, const json_t *v);

static void put_member(struct writer *w, const char *key, const json_t *value)
{
    new_line(w);
    quote_json(w->f, key, strlen(key));
    fputs(w->indent ? ": " : ":", w->f);
    put_value(w, value);
}

static void put_raw(struct writer *w)
{
    if (!w->raw->hex) {
        quote_json(w->f, w->raw->data, w->raw->size);
        return;
    }
    fputc('"', w->f);
    quote_hex(w->f, w->raw->data, w->raw->size);
    fputc('"', w->f);
}

static void put_object(struct writer *w, const json_t *o)
{
    const char *separator = "";
    void *i = json_object_iter((json_t *)o); /* which only reads it */
    fputc('{', w->f);
    w->level++;
    for (; i; i = json_object_iter_next((json_t *)o, i)) {
        fputs(separator, w->f);
        put_member(w, json_object_iter_key(i), json_object_iter_value(i));
        separator = ",";
    }
    w->level--;
    if (*separator)
        new_line(w);
    fputc('}', w->f);
}

static void put_array(struct writer *w, const json_t *list)
{
    fputc('[', w->f);
    w->level++;
    for (size_t i = 0; i < json_array_size(list); i++) {
        fputs(i ? "," : "", w->f);
        new_line(w);
        put_value(w, json_array_get(list, i));
    }
    w->level--;
    if (json_array_size(list))
        new_line(w);
    fputc(']', w->f);
}

static void put_value(struct writer *w, const json_t *v)
{
    if (w->raw && v && v == w->raw->at)
        put_raw(w);
    else if (json_is_object(v))
        put_object(w, v);
    else if (json_is_array(v))
        put_array(w, v);
    else if (json_is_string(v))
        quote_json(w->f, json_string_value(v), json_string_length(v));
    else if (json_is_integer(v))
        fprintf(w->f, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
    else if (json_is_real(v))
        put_real(w, json_real_value(v));
    else
        fputs(json_is_true(v) ? "true" : json_is_false(v) ? "false" : "null", w->f);
    w->failed |= !v;
}

bool json_write(FILE *f, const json_t *document, unsigned indent)
{
    struct writer w = {.f = f, .indent = indent};
    put_value(&w, document);
    return !w.failed;
}

void json_list_item(struct json_list *list, const json_t *item, const struct json_raw *raw)
{
    struct writer w = {.f = list->f, .indent = list->indent, .level = 1, .raw = raw};
    fputc(list->count ? ',' : '{', w.f);
    if (!list->count++) {
        new_line(&w);
        quote_json(w.f, list->name, strlen(list->name));
        fputs(w.indent ? ": [" : ":[", w.f);
    }
    w.level = 2;
    new_line(&w);
    put_value(&w, item);
    list->failed |= w.failed;
}

bool json_list_end(struct json_list *list, const json_t *rest)
{
    struct writer w = {.f = list->f, .indent = list->indent, .level = 1};
    new_line(&w);
    fputc(']', w.f);
    for (void *i = json_object_iter((json_t *)rest); i;
         i = json_object_iter_next((json_t *)rest, i)) {
        if (strcmp(json_object_iter_key(i), list->name) == 0)
            continue;
        fputc(',', w.f);
        put_member(&w, json_object_iter_key(i), json_object_iter_value(i));
    }
    w.level = 0;
    new_line(&w);
    fputc('}', w.f);
    return !w.failed && !list->failed;
}
