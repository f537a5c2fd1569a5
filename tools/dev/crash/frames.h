/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - a backtrace and registers, for people and as JSON. */
#ifndef DEV_FRAMES_H
#define DEV_FRAMES_H

#include <jansson.h>
#include <stdio.h>

#include <hl/symbols.h>

#define FRAMES_MAX 80

/* The frames of a stack that are shown: of a deep one, the innermost and the outermost. */
struct backtrace {
    struct hl_frame frame[FRAMES_MAX];
    size_t number[FRAMES_MAX]; /* as gdb counts them, from 0 */
    size_t
        again[FRAMES_MAX]; /* how often the frames of this place come again, one after the other */
    size_t count;
    size_t after, omitted; /* so many frames are left out before frame[after] */
    bool cut;              /* the stack goes on */
};

void backtrace_walk(struct backtrace *b, struct hl_symbols *symbols, const struct hl_regs *regs,
                    bool past, hl_read_fn *read, void *opaque);
/* One line where debug information is missing, damaged or too much. */
void missing_hint(const char *missing);
void symbols_hint(const struct hl_symbols *symbols);
void backtrace_print(FILE *f, const struct backtrace *b);
json_t *frames_json(const struct hl_frame *frame, size_t count);
json_t *backtrace_json(const struct backtrace *b);

void registers_print(FILE *f, const struct hl_regs *regs);
json_t *registers_json(const struct hl_regs *regs);

#endif
