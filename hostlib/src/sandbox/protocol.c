/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox/protocol.c - the error for a guest that violates the ABI. */
#include "sandbox.h"

#include <stdarg.h>
#include <stdio.h>

int sandbox_protocol(struct hl_error *error, const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    return hl_error_set(error, HL_ERR_PROTOCOL, "%s: %s", hl_err_text(HL_ERR_PROTOCOL), text);
}
