/* SPDX-License-Identifier: Apache-2.0 */
#include "mutate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_MAX 64u

/* https://prng.di.unimi.it/splitmix64.c */
size_t mutate_below(struct mutator *m, size_t n)
{
    uint64_t z = (m->seed += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return n ? (size_t)((z ^ z >> 31) % n) : 0;
}

static size_t range(struct mutator *m, size_t most)
{
    size_t n = mutate_below(m, 8) ? RANGE_MAX : most;
    return 1 + mutate_below(m, n < most ? n : most);
}

/* A number where counts, sizes and offsets go wrong. */
static void put_number(struct mutator *m, uint8_t *data, size_t size)
{
    static const uint64_t odd[] = {0,         1,          0x7f,       0x80,       0xff,
                                   0x7fff,    0xffff,     0x7fffffff, 0x80000000, 0xffffffff,
                                   INT64_MAX, UINT64_MAX, 1ull << 63, 1ull << 32, 1ull << 24};
    size_t width = (size_t)1 << mutate_below(m, 4), at = mutate_below(m, size);
    uint64_t value = odd[mutate_below(m, sizeof(odd) / sizeof(*odd))];
    if (width > size - at)
        width = size - at;
    if (mutate_below(m, 2)) {
        value = 0;
        memcpy(&value, data + at, width);
        value += mutate_below(m, 33) - 16;
    }
    memcpy(data + at, &value, width);
}

static size_t insert(struct mutator *m, uint8_t *data, size_t size, size_t max, const uint8_t *from,
                     size_t count)
{
    size_t at = mutate_below(m, size + 1);
    if (count > max - size)
        return size;
    memmove(data + at + count, data + at, size - at);
    memcpy(data + at, from, count);
    return size + count;
}

static size_t remove_range(struct mutator *m, uint8_t *data, size_t size)
{
    size_t at = mutate_below(m, size), count = range(m, size - at);
    memmove(data + at, data + at + count, size - at - count);
    return size - count;
}

/* Some of the input itself, or of another: put in, or over what is there. */
static size_t copy(struct mutator *m, uint8_t *data, size_t size, size_t max,
                   const struct input *from)
{
    size_t at = mutate_below(m, from->size), count = range(m, from->size - at), to;
    uint8_t *part = malloc(count);
    if (!part)
        return size;
    memcpy(part, from->data + at, count);
    if (mutate_below(m, 2)) {
        size = insert(m, data, size, max, part, count);
    } else {
        to = mutate_below(m, size);
        memcpy(data + to, part, count < size - to ? count : size - to);
    }
    free(part);
    return size;
}

size_t mutate(struct mutator *m, uint8_t *data, size_t size, size_t max, const struct input *other)
{
    const struct input self = {.data = data, .size = size};
    uint8_t byte = (uint8_t)mutate_below(m, 256);
    if (!size)
        return insert(m, data, size, max, &byte, 1);
    switch (mutate_below(m, m->words ? 9 : 8)) {
    case 0:
        data[mutate_below(m, size)] ^= (uint8_t)(1 << byte % 8);
        return size;
    case 1:
        data[mutate_below(m, size)] = byte;
        return size;
    case 2:
    case 3:
        put_number(m, data, size);
        return size;
    case 4:
        return remove_range(m, data, size);
    case 5:
        return insert(m, data, size, max, &byte, 1);
    case 6:
        return copy(m, data, size, max, &self);
    case 7:
        return other->size ? copy(m, data, size, max, other) : size;
    default:
        other = &m->word[mutate_below(m, m->words)];
        return insert(m, data, size, max, other->data, other->size);
    }
}

/* In place, up to the closing quote; how many bytes. */
static size_t unquote(char *text)
{
    char *to = text;
    for (const char *p = text; *p && *p != '"'; p++) {
        char hex[3] = {0};
        if (*p == '\\' && p[1] == 'x' && p[2] && p[3]) {
            memcpy(hex, p + 2, 2);
            *to++ = (char)strtoul(hex, NULL, 16);
            p += 3;
            continue;
        }
        if (*p == '\\' && p[1])
            p++;
        *to++ = *p;
    }
    return (size_t)(to - text);
}

int mutate_words(struct mutator *m, const char *path)
{
    FILE *f = fopen(path, "r");
    char line[512];
    if (!f)
        return -1;
    while (fgets(line, sizeof(line), f)) {
        char *quote = *line == '#' ? NULL : strchr(line, '"');
        struct input *more = quote ? realloc(m->word, (m->words + 1) * sizeof(*more)) : NULL;
        if (!more)
            continue;
        m->word = more;
        more[m->words].size = unquote(quote + 1);
        more[m->words].data = malloc(more[m->words].size + 1);
        if (!more[m->words].data)
            continue;
        memcpy(more[m->words].data, quote + 1, more[m->words].size);
        m->words++;
    }
    fclose(f);
    return 0;
}
