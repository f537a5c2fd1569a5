/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_check.h"

#include <string.h>

void profile_at(struct profile_check *c, const char *list, long index)
{
    c->list = list;
    c->index = index;
}

int profile_bad(struct profile_check *c, const char *key, const char *why)
{
    char index[32] = "";
    if (c->rc)
        return c->rc;
    if (c->index >= 0)
        snprintf(index, sizeof(index), "[%ld]", c->index);
    c->rc = hl_error_set(c->error, HL_ERR_FILE, "damaged profile: %s%s%s%s: %s", c->list, index,
                         *c->list && *key ? "." : "", key, why);
    if (c->error)
        hl_error_hint(c->error, "record it again: hl-dev profile --format json -o FILE");
    return c->rc;
}

int profile_no_memory(struct profile_check *c)
{
    if (!c->rc)
        c->rc = hl_error_set(c->error, HL_ERR_MEMORY, "out of memory");
    return c->rc;
}

/* The member, or NULL if it is missing. */
static const json_t *member(struct profile_check *c, const json_t *o, const char *key,
                            bool required)
{
    if (c->rc)
        return NULL;
    if (!json_is_object(o)) {
        profile_bad(c, "", "not an object");
        return NULL;
    }
    const json_t *value = json_object_get(o, key);
    if (json_is_null(value))
        value = NULL;
    if (!value && required)
        profile_bad(c, key, "missing");
    return value;
}

static uint64_t number(struct profile_check *c, const json_t *value, const char *key)
{
    if (!value)
        return 0;
    json_int_t n = json_integer_value(value);
    if (json_is_integer(value) && n >= 0 && (uint64_t)n <= PROFILE_NUMBER_MAX)
        return (uint64_t)n;
    profile_bad(c, key, "not a whole number from 0 to 2^53-1");
    return 0;
}

uint64_t profile_number(struct profile_check *c, const json_t *o, const char *key)
{
    return number(c, member(c, o, key, true), key);
}

uint64_t profile_number_or_0(struct profile_check *c, const json_t *o, const char *key)
{
    return number(c, member(c, o, key, false), key);
}

long profile_index(struct profile_check *c, const json_t *o, const char *key, size_t count,
                   bool required)
{
    const json_t *value = member(c, o, key, required);
    if (!value)
        return -1;
    json_int_t n = json_integer_value(value);
    if (json_is_integer(value) && n >= -1 && n < (json_int_t)count)
        return (long)n;
    profile_bad(c, key, "not an index of the list it refers to");
    return -1;
}

const char *profile_string(struct profile_check *c, const json_t *o, const char *key, bool required)
{
    const json_t *value = member(c, o, key, required);
    if (value && !json_is_string(value))
        profile_bad(c, key, "not a string");
    return c->rc ? NULL : json_string_value(value);
}

bool profile_flag(struct profile_check *c, const json_t *o, const char *key)
{
    const json_t *value = member(c, o, key, false);
    if (value && !json_is_boolean(value))
        profile_bad(c, key, "neither true nor false");
    return !c->rc && json_is_true(value);
}

const json_t *profile_list(struct profile_check *c, const json_t *o, const char *key, bool required)
{
    const json_t *value = member(c, o, key, required);
    if (value && !json_is_array(value))
        profile_bad(c, key, "not a list");
    else if (json_array_size(value) > 1u << 24)
        profile_bad(c, key, "too long");
    return c->rc ? NULL : value;
}

const json_t *profile_object(struct profile_check *c, const json_t *o, const char *key)
{
    const json_t *value = member(c, o, key, false);
    if (value && !json_is_object(value))
        profile_bad(c, key, "not an object");
    return c->rc ? NULL : value;
}

void profile_add(struct profile_check *c, uint64_t *sum, uint64_t part, const char *key)
{
    *sum += part; /* both are less than 2^53 */
    if (*sum > PROFILE_NUMBER_MAX) {
        *sum = 0;
        profile_bad(c, key, "the sum is too large");
    }
}
