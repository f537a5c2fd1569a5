/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For clang-tidy only, included before each file of the product: what clang's analyzer cannot know
 * of a function in another file.  hl_error_set() returns its code, which is never 0; without that
 * every "return hl_error_set(...)" looks like a success that leaves the results unset.
 */
#include <hl/error.h>

#define hl_error_set(error, code, ...) ((hl_error_set)((error), (code), __VA_ARGS__), (code))
