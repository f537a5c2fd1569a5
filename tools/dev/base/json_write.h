/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_write.h - a jansson document as text.  jansson's own writer prints 0.1 as
 * 0.10000000000000001, and leaves in strings what a terminal would obey.
 */
#ifndef DEV_JSON_WRITE_H
#define DEV_JSON_WRITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Members in their order.  indent: blanks a level; 0: all in one line without any blank.  A number
 * with a fraction has the shortest digits that read back as the same double.  In strings what
 * utf8_is_control() names is escaped as \uXXXX.  document NULL (there was no memory for it):
 * null, and false.
 */
bool json_write(FILE *f, const json_t *document, unsigned indent);

/*
 * A string that is too large for a document: what is written in place of the value `at`.  hex: as
 * hexadecimal digits; else what is not UTF-8 becomes U+FFFD.
 */
struct json_raw {
    const json_t *at;
    const void *data;
    size_t size;
    bool hex;
};

/*
 * A document of which only an item is in memory at a time: an object whose first member `name` is a
 * list.  f, indent and name are set by the caller.  raw may be NULL.
 */
struct json_list {
    FILE *f;
    unsigned indent;
    const char *name;
    size_t count; /* of items; 0: nothing is written yet */
    bool failed;
};
void json_list_item(struct json_list *list, const json_t *item, const struct json_raw *raw);
/* The other members.  As json_write(), for all of it. */
bool json_list_end(struct json_list *list, const json_t *rest);

#endif
