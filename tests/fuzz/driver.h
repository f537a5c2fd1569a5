/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h - what driver.c and fuzz.c share. */
#ifndef TESTS_FUZZ_DRIVER_H
#define TESTS_FUZZ_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bound.h"
#include "mutate.h"

#define DIRECTORIES_MAX 8

struct options {
    const char *directory[DIRECTORIES_MAX]; /* what is new goes into the first */
    size_t directories;
    const char *prefix, *words;
    unsigned seconds;
    uint64_t seed;
};

struct pool {
    struct input *input;
    size_t count;
};

/* Of the child that runs inputs and the parent that sees it die. */
struct shared {
    bool running;
    unsigned long runs;
    size_t kept, size;
    uint8_t data[FUZZ_INPUT_MAX];
};

int pool_add(struct pool *pool, struct input input);
void run_input(const uint8_t *data, size_t size);
void fuzz(const struct options *o, struct pool *pool, struct shared *shared);

#endif
