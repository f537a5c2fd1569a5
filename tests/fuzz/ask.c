/* SPDX-License-Identifier: Apache-2.0 */
#include "ask.h"

#include <stdlib.h>
#include <string.h>

#define FRAMES 24
#define PLACES 16 /* of a segment */

/* Text that can be read to its end; how long is the sanitizer's business. */
static void check_text(const char *text)
{
    if (text && strlen(text) == SIZE_MAX)
        abort();
}

static void check_location(const struct hl_location *l)
{
    check_text(l->function);
    check_text(l->file);
    check_text(l->linkage);
}

static void check_frames(const struct hl_frame *frame, size_t count, size_t least)
{
    if (count < least || count > FRAMES)
        abort();
    for (size_t i = 0; i < count; i++) {
        check_location(&frame[i].location);
        hl_frame_is_runtime(&frame[i]);
    }
    if (count && hl_symbols_site(frame, count, "HostSum") >= count)
        abort();
}

static void ask_addresses(struct hl_symbols *symbols, const struct hl_image *image)
{
    struct hl_location where;
    struct hl_frame frames[FRAMES];
    for (size_t i = 0; i < hl_image_segment_count(image); i++) {
        const struct hl_segment *s = hl_image_segment(image, i);
        for (size_t n = 0; n < PLACES; n++) {
            hl_gva_t at = s->start + s->size / PLACES * n + n % s->size;
            if (hl_symbols_find(symbols, at, &where))
                check_location(&where);
            check_frames(frames, hl_symbols_expand(symbols, at, frames, FRAMES), 0);
        }
    }
}

static void ask_names(struct hl_symbols *symbols, const struct hl_image *image)
{
    static const char *const names[] = {"main", "Add", "f", "outer::f", "add(int, int)", ""};
    hl_gva_t entries[4];
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        hl_symbols_address(symbols, names[i]);
        hl_symbols_match(symbols, names[i], entries, 4);
        hl_symbols_breakpoint(symbols, names[i]);
    }
    for (size_t i = 0; i < hl_image_function_count(image) && i < 4; i++)
        hl_symbols_breakpoint(symbols, hl_image_function(image, i)->name);
    hl_symbols_after_prologue(symbols, hl_image_entry(image));
}

void ask_symbols(const struct hl_image *image, const struct hl_regs *regs, hl_read_fn *read,
                 void *opaque)
{
    struct hl_symbols *symbols = NULL;
    struct hl_frame frames[FRAMES];
    if (hl_symbols_open(&symbols, image, NULL))
        return;
    ask_addresses(symbols, image);
    ask_names(symbols, image);
    for (int past = 0; past < 2; past++)
        check_frames(frames,
                     hl_symbols_backtrace(symbols, regs, past, read, opaque, frames, FRAMES), 1);
    check_text(hl_symbols_missing(symbols));
    hl_symbols_close(symbols);
}
