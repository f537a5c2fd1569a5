/* SPDX-License-Identifier: Apache-2.0 */
/* cover.h - which edges of the program an input took, as gcc's instrumentation reports them. */
#ifndef TESTS_FUZZ_COVER_H
#define TESTS_FUZZ_COVER_H

#include <stddef.h>
#include <stdint.h>

void cover_start(void);
/* How many edges since then were never taken before, or never so often. */
size_t cover_news(void);

#endif
