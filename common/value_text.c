/* SPDX-License-Identifier: Apache-2.0 */
#include "value_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quote.h"

void number_shortest(char text[40], double d, bool single)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, 40, "%.*g", digits, d);
        double back = strtod(text, NULL);
        /* also read as a double it must be the same float */
        if (single ? (float)back == (float)d && strtof(text, NULL) == (float)d : back == d)
            return;
    }
}

static void print_float(FILE *f, double d, bool single)
{
    char text[40];
    number_shortest(text, d, single);
    bool plain = isfinite(d) && !strpbrk(text, ".e");
    fprintf(f, "%s%s", text, plain ? ".0" : "");
}

static void print_bytes(FILE *f, const struct hl_value *v, size_t max)
{
    fputs("x\"", f);
    quote_hex(f, v->data, v->len < max ? v->len : max);
    fputs(v->len > max ? "\"..." : "\"", f);
}

void value_print(FILE *f, const struct hl_value *v, size_t max)
{
    switch (v->type) {
    case HL_I32:
        fprintf(f, "%" PRId32, v->i32);
        break;
    case HL_U32:
        fprintf(f, "%" PRIu32, v->u32);
        break;
    case HL_I64:
        fprintf(f, "%" PRId64, v->i64);
        break;
    case HL_U64:
        fprintf(f, "%" PRIu64, v->u64);
        break;
    case HL_F32:
        print_float(f, (double)v->f32, true);
        break;
    case HL_F64:
        print_float(f, v->f64, false);
        break;
    case HL_BOOL:
        fputs(v->boolean ? "true" : "false", f);
        break;
    case HL_STRING:
        quote(f, v->data, v->len, max);
        break;
    case HL_BYTES:
        print_bytes(f, v, max);
        break;
    default:
        fputs("void", f);
        break;
    }
}
