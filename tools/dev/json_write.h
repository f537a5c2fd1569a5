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
 * hl_text_is_control() names is escaped as \uXXXX.  document NULL (there was no memory for it):
 * null, and false.
 */
bool json_write(FILE *f, const json_t *document, unsigned indent);

/* The shortest decimal that reads back as d, as a float where single. */
void json_shortest(char text[40], double d, bool single);

#endif
