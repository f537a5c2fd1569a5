/* SPDX-License-Identifier: Apache-2.0 */
/* A guest function reports that it failed. */
#include "state.h"

void hl_fail(int code, const char *message)
{
    const char *text = message ? message : "";
    size_t size = hl_length(text) + 1;
    char *copy = hl_scratch(size);
    /* The message may lie on the stack of a function that is gone when the host reads it. */
    for (size_t i = 0; copy && i < size - 1; i++)
        copy[i] = text[i];
    if (copy)
        copy[size - 1] = '\0';

    hl_state.failed = 1;
    hl_state.fail_code = code;
    hl_state.fail_message = copy ? copy : "(no scratch memory left for the message)";
}
