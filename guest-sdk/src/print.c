/* SPDX-License-Identifier: Apache-2.0 */
/* Output without a libc. */
#include "state.h"

void hl_print(const char *text)
{
    size_t left = hl_length(text);
    while (left) {
        long written = hl_syscall(HL_SYS_WRITE, 1, (long)text, (long)left);
        if (written <= 0)
            return;
        text += written;
        left -= (size_t)written;
    }
}
