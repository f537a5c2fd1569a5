/* SPDX-License-Identifier: Apache-2.0 */
/* bench_transfer.c - much data through one call. */
#include <stdlib.h>
#include <string.h>

#include "bench.h"

#define MB 1000000u
#define SIZE (50u * MB)

static struct hl_sandbox *sb;
static uint8_t *bytes, *copy;
static char *text;

static void begin(void)
{
    const struct hl_sandbox_config config = {.input = 2 * SIZE + MB};
    struct hl_error error;
    bytes = malloc(SIZE);
    text = malloc(SIZE);
    copy = malloc(2 * SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)i;
    memset(text, 's', SIZE);
    memset(copy, 0, 2 * SIZE);
    check(hl_sandbox_create(&sb, bench.image, &config, &error), &error);
    sandbox_ready(sb);
}

static void end(void)
{
    hl_sandbox_destroy(sb);
    free(bytes);
    free(text);
    free(copy);
}

static void pass(struct hl_sandbox *to, const char *function)
{
    const struct hl_value args[] = {{.type = HL_BYTES, .data = (const void *)bytes, .len = SIZE},
                                    {.type = HL_STRING, .data = text, .len = SIZE}};
    struct hl_value result;
    struct hl_error error;
    check(hl_sandbox_call(to, function, args, 2, &result, &error), &error);
    if (result.type == HL_U64 && result.u64 != 2ull * SIZE)
        exit(1);
}

/* The guest looks for the string's end. */
static double length_of(void)
{
    double t = now_us();
    pass(sb, "LengthOf");
    return (now_us() - t) / 1e3;
}

/* It compares every byte with what it should be. */
static double large_parameters(void)
{
    double t = now_us();
    pass(sb, "LargeParameters");
    return (now_us() - t) / 1e3;
}

/* As above in a sandbox that has never had so much: every page is new to it. */
static double length_of_cold(void)
{
    end();
    begin();
    return length_of();
}

static double copy_both(void)
{
    double t = now_us();
    memcpy(copy, bytes, SIZE);
    memcpy(copy + SIZE, text, SIZE);
    __asm__ volatile("" : : "r"(copy) : "memory");
    return (now_us() - t) / 1e3;
}

#define FLOOR "memcpy() of the same, to memory in use"

struct figure transfer_figures[] = {
    {.id = "large",
     .what = "50 MB bytes + 50 MB string, LengthOf",
     .floor_what = FLOOR,
     .unit = "ms",
     .target = 3,
     .divisor = 10,
     .begin = begin,
     .ours = length_of,
     .floor = copy_both,
     .end = end},
    {.id = "large_checked",
     .what = "  the guest compares every byte",
     .floor_what = FLOOR,
     .unit = "ms",
     .divisor = 40,
     .begin = begin,
     .ours = large_parameters,
     .floor = copy_both,
     .end = end},
    {.id = "large_cold",
     .what = "  first call: all pages are new",
     .floor_what = FLOOR,
     .unit = "ms",
     .divisor = 100,
     .begin = begin,
     .ours = length_of_cold,
     .floor = copy_both,
     .end = end},
};
const size_t transfer_count = sizeof(transfer_figures) / sizeof(transfer_figures[0]);
