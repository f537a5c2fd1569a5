/* SPDX-License-Identifier: Apache-2.0 */
/* mutate.h - an input made of others by chance. */
#ifndef TESTS_FUZZ_MUTATE_H
#define TESTS_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *data;
    size_t size;
    char *name; /* of its file; NULL: made here */
};

struct mutator {
    uint64_t seed;
    struct input *word; /* of a dictionary */
    size_t words;
};

size_t mutate_below(struct mutator *m, size_t n);
/* One change to data of `size` bytes with room for `max`; `other` is to be mixed in.  The new size.
 */
size_t mutate(struct mutator *m, uint8_t *data, size_t size, size_t max, const struct input *other);
/* Words of libFuzzer's form: one "..." a line, with \\ \" \xNN.  0, or -1: cannot be read. */
int mutate_words(struct mutator *m, const char *path);

#endif
