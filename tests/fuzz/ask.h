/* SPDX-License-Identifier: Apache-2.0 */
/* ask.h - every question that hl/symbols.h can answer, of any image. */
#ifndef TESTS_FUZZ_ASK_H
#define TESTS_FUZZ_ASK_H

#include <hl/image.h>
#include <hl/symbols.h>

/* Wrong answers abort.  regs and read: of the stack to be walked. */
void ask_symbols(const struct hl_image *image, const struct hl_regs *regs, hl_read_fn *read,
                 void *opaque);

#endif
