/* SPDX-License-Identifier: Apache-2.0 */
#include "ui.h"

#include "progress.h"
#include "width.h"
#include "wrap.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "utf8.h"

static enum ui_color color = UI_AUTO;

bool ui_parse_color(const char *text)
{
    static const char *const names[] = {"auto", "always", "never"};
    for (unsigned i = 0; i < 3; i++)
        if (strcmp(text, names[i]) == 0) {
            color = (enum ui_color)i;
            return true;
        }
    return false;
}

/* One of the standard streams may be a stream without a descriptor (trace/stream.c). */
static int descriptor(FILE *f)
{
    int fd = fileno(f);
    return fd >= 0 ? fd : f == stdout ? STDOUT_FILENO : STDERR_FILENO;
}

static bool colored(FILE *f)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (color != UI_AUTO)
        return color == UI_ALWAYS;
    return isatty(descriptor(f)) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

const char *ui_bold(FILE *f)
{
    return colored(f) ? "\033[1m" : "";
}

const char *ui_red(FILE *f)
{
    return colored(f) ? "\033[1;31m" : "";
}

const char *ui_plain(FILE *f)
{
    return colored(f) ? "\033[0m" : "";
}

static void clean_bytes(FILE *f, const char *text, size_t left)
{
    char piece[1024];
    while (left) {
        size_t n = left < sizeof(piece) / 4 ? left : utf8_whole(text, sizeof(piece) / 4 - 1);
        utf8_escape(piece, sizeof(piece), text, n);
        fputs(piece, f);
        text += n;
        left -= n;
    }
}

void ui_clean(FILE *f, const char *text)
{
    clean_bytes(f, text, strlen(text));
}

void ui_wrap(FILE *f, const char *text, unsigned indent, unsigned column)
{
    struct wrap wrap = {f, width_of(f), indent, column, clean_bytes};
    wrap_text(&wrap, text);
    fputc('\n', f);
}

static void line(const char *start, const char *kind, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    progress_clear();
    fflush(stdout);
    fprintf(stderr, "%s%s%s%s: ", start, ui_red(stderr), kind, ui_plain(stderr));
    ui_clean(stderr, text);
    fputc('\n', stderr);
}

int ui_error(int status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line("hl-dev: ", "error", format, args);
    va_end(args);
    return status;
}

void ui_warning(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    line("hl-dev: ", "warning", format, args);
    va_end(args);
}

void ui_hint(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    fprintf(stderr, "%shint%s: ", ui_bold(stderr), ui_plain(stderr));
    ui_clean(stderr, text);
    fputc('\n', stderr);
}

int ui_status(int hl_code)
{
    switch (hl_code) {
    case HL_OK:
        return EXIT_FINE;
    case HL_ERR_GUEST_ERROR:
    case HL_ERR_EXITED:
        return EXIT_GUEST_ERROR;
    case HL_ERR_FAULT:
    case HL_ERR_GUEST_ABORT:
    case HL_ERR_PROTOCOL:
        return EXIT_CRASH;
    case HL_ERR_INTERRUPTED:
        return EXIT_TIMEOUT;
    case HL_ERR_MEMORY:
    case HL_ERR_SYSTEM:
    case HL_ERR_KVM:
        return EXIT_SYSTEM;
    default:
        return EXIT_USER;
    }
}

int ui_library_error(const struct hl_error *error)
{
    ui_error(0, "%s", error->text);
    if (error->hint[0])
        ui_hint("%s", error->hint);
    return ui_status(error->code);
}

int ui_finish(int status)
{
    bool before = ferror(stdout); /* errno is of something else by now */
    if (fflush(stdout))
        return ui_error(EXIT_SYSTEM, "cannot write to standard output: %s", strerror(errno));
    return before ? ui_error(EXIT_SYSTEM, "cannot write to standard output") : status;
}
