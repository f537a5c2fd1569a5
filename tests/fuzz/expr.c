/* SPDX-License-Identifier: Apache-2.0 */
/* expr.c - any text as a call expression; a good one, printed and read again, is the same. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expr.h"
#include "tiny.h"
#include "value_text.h"

/* Files are none of the parser's business, and some never end. */
static int names_a_file(const uint8_t *data, size_t size)
{
    return memchr(data, '@', size) != NULL;
}

static void print_again(const struct expr *e)
{
    char *text = NULL;
    size_t size = 0;
    struct expr again;
    struct hl_error error = {0};
    FILE *f = open_memstream(&text, &size);
    if (!f)
        return;
    fprintf(f, "%s(", hl_image_function(tiny_image(), e->function)->name);
    for (size_t i = 0; i < e->count; i++) {
        fputs(i ? ", " : "", f);
        value_print(f, &e->value[i], SIZE_MAX);
    }
    fputs(")", f);
    fclose(f);
    if (expr_parse(&again, text, tiny_image(), "/nonexistent", &error))
        abort();
    for (size_t i = 0; i < e->count; i++) {
        const struct hl_value *a = &e->value[i], *b = &again.value[i];
        if (a->type != b->type)
            abort();
        if ((a->type == HL_STRING || a->type == HL_BYTES) &&
            (a->len != b->len || memcmp(a->data, b->data, a->len) != 0))
            abort();
        if (a->type < HL_F32 && a->type != HL_VOID && a->u32 != b->u32)
            abort();
    }
    expr_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct expr e;
    struct hl_error error = {0};
    if (names_a_file(data, size))
        return 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = 0;
    int rc = expr_parse(&e, text, tiny_image(), "/nonexistent", &error);
    if (rc) {
        if (error.code != rc || !error.text[0])
            abort();
    } else {
        expr_input_size(&e);
        print_again(&e);
        expr_free(&e);
    }
    free(text);
    return 0;
}
