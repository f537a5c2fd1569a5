/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unwind.c - a stack that is anybody's, in a guest whose unwind information is, too.
 *
 * The input is a guest's file and at its end STACK bytes: where in the code the guest stopped, the
 * registers, and the stack.  A word of the stack whose highest byte is 'T' is an address of the
 * code, so that chance need not find one.
 */
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "tiny.h"

#define WORDS 64u
#define STACK (WORDS * 8) /* the first 17 are the registers */
#define PLACE 0x7000u

struct stopped {
    uint64_t word[WORDS];
    const struct hl_segment *code;
    const uint8_t *file;
    size_t size;
};

static uint64_t meant(const struct stopped *s, uint64_t word)
{
    return word >> 56 == 'T' ? s->code->start + (uint32_t)word % s->code->size : word;
}

/* The stack, and the code as the file has it. */
static size_t read_memory(void *opaque, hl_gva_t gva, void *buf, size_t size)
{
    const struct stopped *s = opaque;
    uint64_t at = gva - PLACE;
    if (at < STACK) {
        size = size < STACK - at ? size : STACK - at;
        memcpy(buf, (const uint8_t *)s->word + at, size);
        return size;
    }
    at = gva - s->code->start;
    if (at >= s->size)
        return 0;
    size = size < s->size - at ? size : s->size - at;
    memcpy(buf, s->file + at, size);
    return size;
}

static const struct hl_segment *find_code(const struct hl_image *image)
{
    for (size_t i = 0; i < hl_image_segment_count(image); i++)
        if (hl_image_segment(image, i)->prot & HL_PROT_EXEC)
            return hl_image_segment(image, i);
    return NULL;
}

static void walk(const struct hl_image *image, struct stopped *s)
{
    struct hl_regs regs;
    s->code = find_code(image);
    if (!s->code || !s->code->size)
        return;
    for (size_t i = 0; i < WORDS; i++)
        s->word[i] = meant(s, s->word[i]);
    _Static_assert(sizeof(regs) <= STACK, "the registers are the first words");
    memcpy(&regs, s->word, sizeof(regs));
    regs.rip = s->code->start + regs.rip % s->code->size;
    regs.rsp = PLACE + regs.rsp % STACK;
    ask_symbols(image, &regs, read_memory, s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct hl_image *image = NULL;
    if (size < STACK || hl_image_from_memory(&image, "file", data, size - STACK, NULL))
        return 0;
    struct stopped s = {.file = data, .size = size - STACK};
    memcpy(s.word, data + size - STACK, STACK);
    walk(image, &s);
    hl_image_close(image);
    return 0;
}
