/* SPDX-License-Identifier: Apache-2.0 */
/* What assert() calls when it fails, for the same reason as abort(): musl's words, in one write. */
#include "state.h"

_Noreturn void abort(void);
_Noreturn void __assert_fail(const char *expression, const char *file, int line,
                             const char *function);

struct piece {
    const char *text;
    size_t size;
};

static struct piece piece(const char *text)
{
    const char *shown = text ? text : "?";
    return (struct piece){shown, hl_length(shown)};
}

void __assert_fail(const char *expression, const char *file, int line, const char *function)
{
    char digits[16];
    char *number = digits + sizeof(digits) - 1;
    unsigned left = line > 0 ? (unsigned)line : 0;
    *number = '\0';
    do {
        *--number = (char)('0' + left % 10);
    } while (left /= 10);

    struct piece pieces[] = {
        piece("Assertion failed: "),
        piece(expression),
        piece(" ("),
        piece(file),
        piece(": "),
        piece(function),
        piece(": "),
        piece(number),
        piece(")\n"),
    };

    hl_syscall(HL_SYS_WRITEV, 2, (long)pieces, sizeof(pieces) / sizeof(pieces[0]));
    abort();
}
