/* SPDX-License-Identifier: Apache-2.0 */
#include "cover.h"

#include <string.h>

#define SLOTS (1u << 16)
#define PLAIN __attribute__((no_sanitize_coverage, no_sanitize("address", "undefined")))

static uint8_t now[SLOTS], seen[SLOTS];
static uint32_t before;

void __sanitizer_cov_trace_pc(void);

/* gcc calls it in every basic block (-fsanitize-coverage=trace-pc). */
PLAIN void __sanitizer_cov_trace_pc(void)
{
    uint64_t pc = (uint64_t)(uintptr_t)__builtin_return_address(0);
    uint32_t at = (uint32_t)(pc * 0x9e3779b97f4a7c15ull >> 40);
    uint32_t slot = (at ^ before) % SLOTS;
    before = at >> 1;
    if (now[slot] < 255)
        now[slot]++;
}

PLAIN void cover_start(void)
{
    memset(now, 0, sizeof(now));
    before = 0;
}

/* Once, twice, a few times, many times: each is news of its own. */
static PLAIN uint8_t bucket(uint8_t count)
{
    return count < 3 ? count : count < 8 ? 4 : count < 32 ? 8 : count < 128 ? 16 : 32;
}

PLAIN size_t cover_news(void)
{
    size_t news = 0;
    for (size_t i = 0; i < SLOTS; i++) {
        uint8_t bit = now[i] ? bucket(now[i]) : 0;
        if (bit & ~seen[i]) {
            seen[i] |= bit;
            news++;
        }
    }
    return news;
}
