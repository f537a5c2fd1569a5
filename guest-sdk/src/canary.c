/* SPDX-License-Identifier: Apache-2.0 */
/* The stack protector's canary: at %fs:0x28, so thread-local storage must be set up already. */
#include "state.h"

void hl_canary_init(const struct hl_boot *boot)
{
    /* A zero byte first, as every libc has it: a string overrun cannot write the right value. */
    uint64_t canary = (boot->random[0] ^ (boot->random[1] << 1 | boot->random[1] >> 63)) & ~0xffull;

    __asm__ volatile("movq %0, %%fs:0x28" : : "r"(canary) : "memory");
}
