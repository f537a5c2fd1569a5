/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - values and errors as JSON (jansson). */
#ifndef DEV_JSON_H
#define DEV_JSON_H

#include <jansson.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/value.h>

#include "json_write.h"

/*
 * Bytes as a JSON string: UTF-8 as it is, any other byte as U+DC80 to U+DCFF would be in other
 * tools, but JSON has no lone surrogates: as U+FFFD.
 */
json_t *json_text(const void *data, size_t len);

/*
 * Numbers and booleans as such, strings by json_text(), bytes as hexadecimal digits, void as null.
 * What JSON has no number for is a string: "nan", "inf", "-inf", and u64 above 2^63-1 in decimal.
 */
json_t *json_value(const struct hl_value *value);

/* Milliseconds, to the nanosecond. */
json_t *json_ms(double ms);

/* {"code": "FAULT", "message": ..., "hint": ...} */
json_t *json_error(const struct hl_error *error);

/* Print and release; returns status, or EXIT_SYSTEM when stdout fails. */
int json_print(json_t *document, int status);
/* The end of one that is begun. */
int json_print_end(struct json_list *list, json_t *rest, int status);

#endif
