/* SPDX-License-Identifier: Apache-2.0 */
/* printf into scratch memory.  The one part that needs a libc; linked only where it is called. */
#include "state.h"

#include <stdarg.h>

int vsnprintf(char *buffer, size_t size, const char *format, va_list args);
char *hl_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

char *hl_format(const char *format, ...)
{
    char *text = hl_scratch(0);
    uintptr_t end = (uintptr_t)(hl_state.boot->output + hl_state.boot->output_size);
    size_t room = text ? end - (uintptr_t)text : 0;
    va_list args;
    int length;
    va_start(args, format);
    length = vsnprintf(text, room, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= room)
        return NULL;
    return hl_scratch((size_t)length + 1);
}
