/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - values and errors as JSON (jansson). */
#ifndef DEV_JSON_H
#define DEV_JSON_H

#include <jansson.h>
#include <stddef.h>

#include <hl/error.h>
#include <hl/value.h>

/*
 * Bytes as a JSON string: UTF-8 as it is, any other byte as U+DC80 to U+DCFF would be in other
 * tools, but JSON has no lone surrogates: as U+FFFD.
 */
json_t *json_text(const void *data, size_t len);

/* Length of the UTF-8 sequence at s, 0 where there is none (RFC 3629). */
size_t json_utf8_length(const unsigned char *s, size_t left);

/* Numbers and booleans as such, strings by json_text(), bytes as hexadecimal digits, void as null.
 */
json_t *json_value(const struct hl_value *value);

/* {"code": "FAULT", "message": ..., "hint": ...} */
json_t *json_error(const struct hl_error *error);

/* Print and release; returns status, or EXIT_SYSTEM when stdout fails. */
int json_print(json_t *document, int status);

#endif
