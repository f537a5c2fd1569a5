/* SPDX-License-Identifier: Apache-2.0 */
#include "sum.h"

#include <string.h>

/* Four lanes of multiply and rotate, as fast as memory. */
static const uint64_t odd = 0x9e3779b97f4a7c15ull;

struct summing sum_begin(size_t size)
{
    return (struct summing){{1, 2, 3, size}};
}

void sum_add(struct summing *sum, const void *data, size_t size)
{
    uint64_t lane[4], word[4]; /* in registers: bytes may alias anything */
    const uint8_t *p = data;
    memcpy(lane, sum->lane, sizeof(lane));
    for (; size; size -= size < sizeof(word) ? size : sizeof(word), p += sizeof(word)) {
        if (size < sizeof(word))
            memset(word, 0, sizeof(word));
        memcpy(word, p, size < sizeof(word) ? size : sizeof(word));
        for (int i = 0; i < 4; i++) {
            lane[i] = (lane[i] ^ word[i]) * odd;
            lane[i] ^= lane[i] >> 29;
        }
    }
    memcpy(sum->lane, lane, sizeof(lane));
}

uint64_t sum_end(const struct summing *s)
{
    uint64_t sum = 0;
    for (int i = 0; i < 4; i++)
        sum = (sum ^ s->lane[i]) * odd ^ sum >> 31;
    return sum;
}

uint64_t sum_of(const void *data, size_t size)
{
    struct summing s = sum_begin(size);
    sum_add(&s, data, size);
    return sum_end(&s);
}
