/* SPDX-License-Identifier: Apache-2.0 */
/* console.h - what the guest itself prints, of all sandboxes of a session. */
#ifndef DEV_CONSOLE_H
#define DEV_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "safe.h"

struct console {
    bool mid_line;       /* the guest's last byte on stdout was no newline */
    struct safe safe[2]; /* --safe-output: stdout, stderr */
    char *captured;      /* --json */
    size_t captured_size, captured_room;
    bool captured_cut; /* some of it was dropped */
};

/* What the guest wrote to fd, 1 or 2; elsewhere: it was shown by a debugger. */
void console_write(struct console *console, const struct options *options, int fd, const void *data,
                   size_t size, bool elsewhere);
/* A sandbox has ended: the character that it has begun does not go on. */
void console_end(struct console *console, const struct options *options);
void console_free(struct console *console);

#endif
