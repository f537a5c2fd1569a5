/* SPDX-License-Identifier: Apache-2.0 */
/* The state of libhlguest, and what it is when set-up begins. */
#include "state.h"

struct hl_state hl_state;
const char hl_null_string[1];

/* Not strlen: this file also serves guests that bring their own, or none. */
size_t hl_length(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

/* The kernel starts a process with all registers 0, so a guest run by hand finds no boot block. */
static void refuse_plain_process(void)
{
    static const char text[] = "this program is a micro-VM guest; run it with: hl-dev run FILE\n";
    hl_syscall(HL_SYS_WRITE, 2, (long)text, sizeof(text) - 1);
    for (;;)
        hl_syscall(HL_SYS_EXIT_GROUP, 100, 0, 0);
}

void hl_state_init(const struct hl_boot *boot)
{
    if (!boot)
        refuse_plain_process();
    /* With another layout there is no telling where a message would go: an invalid opcode. */
    if (boot->magic != HL_BOOT_MAGIC || boot->version != HL_ABI_VERSION)
        __builtin_trap();

    hl_state.boot = boot;
    hl_state.input = (struct hl_input *)(uintptr_t)boot->input;
    hl_state.output = (struct hl_output *)(uintptr_t)boot->output;
    hl_state.scratch = (uintptr_t)boot->output + sizeof(struct hl_output);
    hl_state.error_message = "";
}

const struct hl_boot *hl_boot(void)
{
    return hl_state.boot;
}
