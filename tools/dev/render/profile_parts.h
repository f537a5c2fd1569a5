/* SPDX-License-Identifier: Apache-2.0 */
/* profile_parts.h - the making of a profile_view, in pieces. */
#ifndef DEV_PROFILE_PARTS_H
#define DEV_PROFILE_PARTS_H

#include "profile_check.h"
#include "profile_view.h"

/* Those that live as long as the view. */
struct profile_words {
    struct profile_words *next;
    char *text;
};

/* A clean copy of text that lives as long as the view; "" for NULL, and after an error. */
const char *profile_word(struct view *view, struct profile_check *c, const char *text);
const char *profile_wordf(struct view *view, struct profile_check *c, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An array of as many zeroes as the list has elements and one more; *count is 0 after an error. */
void *profile_array(struct profile_check *c, const json_t *list, size_t size, size_t *count);

void profile_read_frames(struct view *view, struct profile_check *c, const json_t *doc);
void profile_read_stacks(struct view *view, struct profile_check *c, const json_t *doc);
void profile_read_kinds(struct view *view, struct profile_check *c, const json_t *doc);
void profile_read_rows(struct view *view, struct profile_check *c, const json_t *doc);
void profile_read_summary(struct view *view, struct profile_check *c, const json_t *doc);

#endif
