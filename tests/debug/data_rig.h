/* SPDX-License-Identifier: Apache-2.0 */
/* data_rig.h - what tests of registers, memory and signals share. */
#ifndef TESTS_DATA_RIG_H
#define TESTS_DATA_RIG_H

#include "debug_rig.h"

#include <elf.h>
#include <signal.h>
#include <unistd.h>

#include <hl/abi.h>

enum { NOP = 0x90 };

static inline hl_gva_t stand(struct rig *r)
{
    begin_held(r);
    return r->text;
}

#endif
