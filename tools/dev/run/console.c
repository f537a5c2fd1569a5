/* SPDX-License-Identifier: Apache-2.0 */
#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grow.h"
#include "progress.h"

#define CAPTURE_MAX (64u << 20)

/* --json: keep what the guest prints, up to a limit that a runaway guest cannot push. */
static void capture(struct console *c, const void *data, size_t size)
{
    if (size > CAPTURE_MAX - c->captured_size) {
        size = CAPTURE_MAX - c->captured_size;
        c->captured_cut = true;
    }
    char *more = array_grow(c->captured, &c->captured_room, c->captured_size + size, 1);
    if (!more) {
        c->captured_cut = true;
        return;
    }
    c->captured = more;
    if (size)
        memcpy(c->captured + c->captured_size, data, size);
    c->captured_size += size;
}

static FILE *stream(const struct options *o, int fd)
{
    return fd == 1 && !(o && o->stdout_taken) ? stdout : stderr;
}

void console_write(struct console *c, const struct options *o, int fd, const void *data,
                   size_t size, bool elsewhere)
{
    if (fd == 1 && o->json) {
        if (!o->observed) /* there it is an event */
            capture(c, data, size);
        return;
    }
    FILE *f = stream(o, fd);
    progress_clear();
    if (fd == 1 && size)
        c->mid_line = ((const char *)data)[size - 1] != '\n';
    if (elsewhere)
        return;
    if (o->safe_output)
        safe_write(&c->safe[fd == 2], f, data, size);
    else
        fwrite(data, 1, size, f);
    fflush(f);
}

void console_end(struct console *c, const struct options *o)
{
    safe_end(&c->safe[0], stream(o, 1));
    safe_end(&c->safe[1], stderr);
}

void console_free(struct console *c)
{
    free(c->captured);
}
