/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny.h - what the fuzz targets need without a KVM: a guest file made by hand, and a guest that
 * follows a script (script.c, parts.c).
 */
#ifndef TESTS_FUZZ_TINY_H
#define TESTS_FUZZ_TINY_H

#include <stddef.h>
#include <stdint.h>

#include <hl/image.h>

#include "scripted.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An image of one function a type ("Bytes(bytes) -> bytes", ...) and two imports; made once. */
const struct hl_image *tiny_image(void);

/*
 * What the guest does from now on, one byte telling what comes (script.c).  At the end of the
 * script the vCPU is dead.
 */
void script_set(const uint8_t *data, size_t size);

/* The vCPU of the newest machine writes READY and waits, once. */
void script_ready(void);

#endif
