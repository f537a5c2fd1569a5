/* SPDX-License-Identifier: Apache-2.0 */
/* break_rig.h - a guest held at its first instruction. */
#ifndef TESTS_BREAK_RIG_H
#define TESTS_BREAK_RIG_H

#include "debug_rig.h"

enum { INT3 = 0xcc, NOP = 0x90, CLC = 0xf8 };

/* Three instructions that the host leaves to the guest, and a breakpoint at the second one, the
 * guest before the first. */
static inline hl_gva_t begin_with_break(struct rig *r)
{
    rig_open(r);
    hl_gva_t at = CODE_AT(r, 0, CLC, CLC, CLC) + 1;
    attach_idle(r);
    set_reg(r, GDB_AMD64_RIP, r->text);
    insert(r, GDB_SW_BREAK, at, 1);
    expect_byte(r, at, CLC);
    CONTINUE(r);
    call_begin(r);
    entered_at(r, r->text);
    return at;
}

#endif
