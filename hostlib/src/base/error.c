/* SPDX-License-Identifier: Apache-2.0 */
#include <hl/error.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hl/hl.h>

#include "utf8.h"

static const struct {
    const char *name, *text, *hint;
} errors[] = {[0] = {"OK", "no error", ""},
#define X(name, number, text, hint) [number] = {#name, text, hint},
              HL_ERRORS(X)
#undef X
};

/* Index into errors[], or -1. */
static int find(int code)
{
    int count = (int)(sizeof(errors) / sizeof(errors[0]));
    return code <= 0 && code > -count ? -code : -1;
}

const char *hl_err_name(int code)
{
    int i = find(code);
    return i < 0 ? "UNKNOWN" : errors[i].name;
}

const char *hl_err_text(int code)
{
    int i = find(code);
    return i < 0 ? "unknown error" : errors[i].text;
}

const char *hl_err_hint(int code)
{
    int i = find(code);
    return i < 0 ? "" : errors[i].hint;
}

/*
 * A message is one line without control characters, whatever a file name or a guest puts into it.
 */
static void put_line(char *to, size_t room, const char *format, va_list args)
{
    char text[sizeof(((struct hl_error *)0)->text)]; /* an argument may point into *error */
    vsnprintf(text, sizeof(text), format, args);
    utf8_escape(to, room, text, strlen(text));
}

int hl_error_set(struct hl_error *error, int code, const char *format, ...)
{
    if (!error)
        return code;
    va_list args;
    va_start(args, format);
    put_line(error->text, sizeof(error->text), format, args);
    va_end(args);
    error->code = code;
    error->sys_errno = 0;
    snprintf(error->hint, sizeof(error->hint), "%s", hl_err_hint(code));
    return code;
}

int hl_error_hint(struct hl_error *error, const char *format, ...)
{
    if (!error)
        return HL_ERR_ARGUMENT;
    va_list args;
    va_start(args, format);
    put_line(error->hint, sizeof(error->hint), format, args);
    va_end(args);
    return error->code;
}

const char *hl_version(void)
{
    return HL_VERSION;
}
