/* SPDX-License-Identifier: Apache-2.0 */
#include "new.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

/* Names come from the command line and from directories: none may drive the reader's terminal. */
static void print(const char *prefix, const char *format, va_list args, const char *reason)
{
    char text[2 * PATH_MAX], line[2 * PATH_MAX];
    vsnprintf(text, sizeof(text), format, args);
    utf8_escape(line, sizeof(line), text, strlen(text));
    fprintf(stderr, "%s%s%s%s\n", prefix, line, reason ? ": " : "", reason ? reason : "");
}

int new_error(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("hl-new: error: ", format, args, NULL);
    va_end(args);
    return status;
}

int new_error_errno(const char *format, ...)
{
    static const int users[] = {ENOENT, ENOTDIR, EISDIR, EACCES,       EPERM, EROFS,
                                EEXIST, EINVAL,  ELOOP,  ENAMETOOLONG, EDQUOT};
    int number = errno;
    int status = NEW_SYSTEM;
    va_list args;
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        if (users[i] == number)
            status = NEW_USER;
    va_start(args, format);
    print("hl-new: error: ", format, args, strerror(number));
    va_end(args);
    return status;
}

void new_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print("hint: ", format, args, NULL);
    va_end(args);
}
