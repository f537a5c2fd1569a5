/* SPDX-License-Identifier: Apache-2.0 */
/* frames.h - a backtrace and registers, for people and as JSON. */
#ifndef DEV_FRAMES_H
#define DEV_FRAMES_H

#include <jansson.h>
#include <stdio.h>

#include <hl/symbols.h>

#define FRAMES_MAX 64

/* A recursion is told once, with how often; FRAMES_MAX of them are said to go on. */
void frames_print(FILE *f, const struct hl_frame *frame, size_t count);
json_t *frames_json(const struct hl_frame *frame, size_t count);

void registers_print(FILE *f, const struct hl_regs *regs);
json_t *registers_json(const struct hl_regs *regs);

#endif
