/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz.c - inputs by chance: what takes a new edge of the program is kept and built upon. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cover.h"
#include "driver.h"

static time_t seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

static void write_input(const struct options *o, const struct input *input, size_t number)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s/gcc-%" PRIu64 "-%zu", o->directory[0], o->seed, number);
    FILE *file = fopen(path, "wb");
    if (!file)
        return;
    fwrite(input->data, 1, input->size, file);
    fclose(file);
}

static void keep(const struct options *o, struct pool *pool, const uint8_t *data, size_t size,
                 struct shared *shared)
{
    struct input input = {.data = malloc(size ? size : 1), .size = size};
    if (!input.data)
        return;
    memcpy(input.data, data, size);
    if (pool_add(pool, input))
        free(input.data);
    else
        write_input(o, &input, shared->kept++);
}

void fuzz(const struct options *o, struct pool *pool, struct shared *shared)
{
    static uint8_t data[FUZZ_INPUT_MAX];
    struct mutator m = {.seed = o->seed};
    time_t end = seconds() + o->seconds;
    if (o->words)
        mutate_words(&m, o->words);
    for (size_t i = 0; i < pool->count; i++) {
        cover_start();
        run_input(pool->input[i].data, pool->input[i].size);
        cover_news();
    }
    while (pool->count && seconds() < end) {
        const struct input *from = &pool->input[mutate_below(&m, pool->count)];
        size_t size = from->size;
        memcpy(data, from->data, size);
        for (size_t i = 1 + mutate_below(&m, 6); i; i--)
            size =
                mutate(&m, data, size, sizeof(data), &pool->input[mutate_below(&m, pool->count)]);
        cover_start();
        run_input(data, size);
        if (cover_news())
            keep(o, pool, data, size, shared);
    }
    for (size_t i = 0; i < m.words; i++)
        free(m.word[i].data);
    free(m.word);
}
