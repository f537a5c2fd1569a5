/* SPDX-License-Identifier: Apache-2.0 */
/* Host functions in a header that several files include: one descriptor each, if used. */
#ifndef IMPORTS_H
#define IMPORTS_H

#include <hl/guest.h>
#include <stdbool.h>

HL_HOST_FUNCTION(i32, HostAdd, (i32, a), (i32, b));
HL_HOST_FUNCTION(void, HostNothing);
HL_HOST_FUNCTION(string, HostText, (string, text), (bytes, data));
HL_HOST_FUNCTION(bytes, HostBytes, (bytes, data));
HL_HOST_FUNCTION(bool, HostNot, (bool, value));
HL_HOST_FUNCTION(f64, HostScale, (f32, value), (f64, factor));
HL_HOST_FUNCTION(u64, HostWide, (u32, a), (i64, b), (u64, c));
HL_HOST_FUNCTION_NAMED("host/odd-name", f32, odd_name, (f32, value));
HL_HOST_FUNCTION(i32, HostUnused, (i32, a));

int32_t add_elsewhere(int32_t a, int32_t b);

#endif
