/* SPDX-License-Identifier: Apache-2.0 */
/* The ways a guest ends itself early. */
#include "state.h"

void hl_abort(int code, const char *message)
{
    if (hl_state.output) {
        struct hl_message *out = &hl_state.output->message;
        out->kind = HL_MSG_ABORT;
        out->index = 0;
        out->count = 1;
        out->code = code;
        hl_detail_put_string(&out->slot[0], message);
        hl_port_out(HL_PORT_ABORT);
    }
    for (;;)
        __builtin_trap();
}

/* Weak: a libc's own, where one is linked for another reason, is fine too. */
__attribute__((weak, noreturn)) void __stack_chk_fail(void);

void __stack_chk_fail(void)
{
    hl_abort(134, "stack smashing detected");
}
