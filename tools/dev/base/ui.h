/* SPDX-License-Identifier: Apache-2.0 */
/* ui.h - how hl-dev speaks: errors, hints, exit statuses, colour. */
#ifndef DEV_UI_H
#define DEV_UI_H

#include <stdbool.h>
#include <stdio.h>

#include <hl/error.h>

/* Exit statuses (docs: hl-dev(1)). */
enum {
    EXIT_FINE = 0,
    EXIT_GUEST_ERROR = 1,
    EXIT_USAGE = 64,
    EXIT_USER = 100,
    EXIT_SYSTEM = 111,
    EXIT_TIMEOUT = 124,
    EXIT_CRASH = 134,
};

enum ui_color { UI_AUTO, UI_ALWAYS, UI_NEVER };

/* "auto", "always" or "never"; false for anything else. */
bool ui_parse_color(const char *text);

/* Escape sequences for a stream, or "" where it takes none. */
const char *ui_bold(FILE *f);
const char *ui_red(FILE *f);
const char *ui_plain(FILE *f);

/* Text of guests and file names, escaped by utf8_escape(): nothing in it drives the terminal. */
void ui_clean(FILE *f, const char *text);

/*
 * Text and a newline, broken at blanks so that it fits; column is where it starts, indent where its
 * further lines do.  What has no blanks is not broken.
 */
void ui_wrap(FILE *f, const char *text, unsigned indent, unsigned column);

/* "hl-dev: error: ..." and "hint: ..." on stderr; the status is returned for `return ui_...`. */
int ui_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
void ui_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));
void ui_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Print a library error with its hint; returns ui_status(). */
int ui_library_error(const struct hl_error *error);
int ui_status(int hl_code);

/* Flush stdout; EXIT_SYSTEM with a message when what was printed could not be written. */
int ui_finish(int status);

#endif
