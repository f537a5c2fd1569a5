/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_check.h - typed members of a JSON document that need not be valid.
 *
 * The first thing that is wrong is kept, with where it is; from then on every accessor returns 0
 * or NULL, so a reader may look at `rc` once, at the end of an object.
 */
#ifndef DEV_PROFILE_CHECK_H
#define DEV_PROFILE_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hl/error.h>

/* What every reader of JSON can hold exactly; as nanoseconds it is 104 days. */
#define PROFILE_NUMBER_MAX ((UINT64_C(1) << 53) - 1)

struct profile_check {
    struct hl_error *error;
    int rc;
    const char *list; /* "exits[3]", "totals" ... of what is being read; index -1: no list */
    long index;
};

void profile_at(struct profile_check *c, const char *list, long index);
/* Returns c->rc. */
int profile_bad(struct profile_check *c, const char *key, const char *why);
int profile_no_memory(struct profile_check *c);

/* A member that must be there. */
uint64_t profile_number(struct profile_check *c, const json_t *o, const char *key);
/* 0 where it is missing or null. */
uint64_t profile_number_or_0(struct profile_check *c, const json_t *o, const char *key);
/* From -1 to count - 1; -1 where it is missing, unless it must be there. */
long profile_index(struct profile_check *c, const json_t *o, const char *key, size_t count,
                   bool required);
/* NULL where it is missing or null. */
const char *profile_string(struct profile_check *c, const json_t *o, const char *key,
                           bool required);
bool profile_flag(struct profile_check *c, const json_t *o, const char *key);
/* NULL where it is missing or null. */
const json_t *profile_list(struct profile_check *c, const json_t *o, const char *key,
                           bool required);
const json_t *profile_object(struct profile_check *c, const json_t *o, const char *key);

/* *sum += part; what adds up to more than PROFILE_NUMBER_MAX was never measured. */
void profile_add(struct profile_check *c, uint64_t *sum, uint64_t part, const char *key);

#endif
