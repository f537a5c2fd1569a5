/* SPDX-License-Identifier: Apache-2.0 */
/* bound.h - what one input may cost.  tests/life.mk gives libFuzzer the same numbers. */
#ifndef TESTS_FUZZ_BOUND_H
#define TESTS_FUZZ_BOUND_H

#ifndef FUZZ_TIMEOUT
#error FUZZ_TIMEOUT, FUZZ_MALLOC_MB and FUZZ_RSS_MB come from tests/life.mk
#endif

#define FUZZ_INPUT_MAX (256u << 10) /* bytes */
#define FUZZ_WALL 30u               /* seconds: an input that waits, and uses no processor */

#endif
