/* SPDX-License-Identifier: Apache-2.0 */
/* debug/say.c - print the output of `monitor` commands. */
#include "debug_monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

void debug_say(struct gdb_printer *p, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *at = text; *at;) {
        char clean[4 * sizeof(text)];
        size_t n = strcspn(at, "\n"); /* GDB does not escape it; names are the guest's */
        size_t size = utf8_escape(clean, sizeof(clean) - 1, at, n);
        if (at[n])
            clean[size++] = at[n++];
        p->print(p, clean, size);
        at += n;
    }
}

int debug_refuse(struct gdb_printer *p, const char *name, const char *why)
{
    debug_say(p, "%s: %s\n", name, why);
    return REPORTED;
}
