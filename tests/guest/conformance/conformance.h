/* SPDX-License-Identifier: Apache-2.0 */
/* conformance.h - what the files of the conformance guest share. */
#ifndef GUEST_CONFORMANCE_H
#define GUEST_CONFORMANCE_H

#include <stdint.h>

extern volatile int zero;
extern uint8_t large[256 << 10];
extern const uint8_t return_instruction[1];

#endif
