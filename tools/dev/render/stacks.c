/* SPDX-License-Identifier: Apache-2.0 */
/* render/stacks.c - frames with their names, and stacks, of a document. */
#include <stdlib.h>
#include <string.h>

#include "profile_parts.h"

static void read_frame(struct view *view, struct profile_check *c, const json_t *o,
                       struct view_frame *f)
{
    const char *function = profile_string(c, o, "function", false);
    const char *file = profile_string(c, o, "file", false);
    const char *address = profile_string(c, o, "address", false);
    f->line = (unsigned long)profile_number_or_0(c, o, "line");
    f->inlined = profile_flag(c, o, "inlined");
    f->uncertain = profile_flag(c, o, "uncertain");
    f->runtime = profile_flag(c, o, "runtime");
    const char *name = function && *function ? function
                       : address && *address ? address
                                             : "[unknown]";
    f->name = profile_wordf(view, c, "%.990s%s", name, f->uncertain ? "?" : "");
    f->file = profile_word(view, c, file);
    if (*f->file && f->line)
        f->place = profile_wordf(view, c, "%.970s:%lu", f->file, f->line);
    else
        f->place = f->file; /* an address would be another one in the next build */
}

static int by_function(const void *a, const void *b)
{
    const struct view_frame *const *x = a, *const *y = b;
    int rc = strcmp((*x)->name, (*y)->name);
    return rc ? rc : strcmp((*x)->file, (*y)->file);
}

static int by_line(const void *a, const void *b)
{
    const struct view_frame *const *x = a, *const *y = b;
    int rc = by_function(a, b);
    return rc ? rc : strcmp((*x)->place, (*y)->place);
}

/* Equal ones follow each other: by_line's order is a refinement of by_function's. */
static void number_names(struct view *view, struct profile_check *c)
{
    size_t n = view->frame_count + 1;
    struct view_frame **sorted = calloc(n, sizeof(*sorted));
    if (!sorted) {
        profile_no_memory(c);
        return;
    }
    for (size_t i = 0; i < n; i++)
        sorted[i] = view->frame + i;
    qsort(sorted, n, sizeof(*sorted), by_line);
    for (size_t i = 0; i < n; i++) {
        view->functions += i && by_function(&sorted[i - 1], &sorted[i]) != 0;
        view->lines += i && by_line(&sorted[i - 1], &sorted[i]) != 0;
        sorted[i]->function = (uint32_t)view->functions;
        sorted[i]->line_id = (uint32_t)view->lines;
    }
    view->functions++;
    view->lines++;
    free(sorted);
}

void profile_read_frames(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "frames", true);
    view->frame = profile_array(c, list, sizeof(*view->frame), &view->frame_count);
    for (size_t i = 0; i < view->frame_count && !c->rc; i++) {
        profile_at(c, "frames", (long)i);
        read_frame(view, c, json_array_get(list, i), view->frame + i);
    }
    if (c->rc)
        return;
    view->frame[view->frame_count] =
        (struct view_frame){.name = "[unknown]", .file = "", .place = ""};
    number_names(view, c);
}

/* Parents come first, so no stack is a circle. */
static void read_stack(struct view *view, struct profile_check *c, const json_t *pair, size_t i)
{
    const json_t *parent = json_array_get(pair, 0), *frame = json_array_get(pair, 1);
    struct profile_stack *s = view->stack + i;
    if (json_array_size(pair) != 2 || !json_is_integer(parent) || !json_is_integer(frame)) {
        profile_bad(c, "", "not a pair of indexes");
    } else if (json_integer_value(parent) < -1 || json_integer_value(parent) >= (json_int_t)i) {
        profile_bad(c, "", "its parent does not come before it");
    } else if (json_integer_value(frame) < 0 ||
               json_integer_value(frame) >= (json_int_t)view->frame_count) {
        profile_bad(c, "", "there is no such frame");
    } else {
        s->parent = (long)json_integer_value(parent);
        s->frame = (uint32_t)json_integer_value(frame);
        s->depth = s->parent < 0 ? 1 : view->stack[s->parent].depth + 1;
        if (s->depth > PROFILE_DEPTH_MAX)
            profile_bad(c, "", "deeper than 1024 frames");
    }
}

void profile_read_stacks(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const json_t *list = profile_list(c, doc, "stacks", true);
    view->stack = profile_array(c, list, sizeof(*view->stack), &view->stack_count);
    for (size_t i = 0; i < view->stack_count && !c->rc; i++) {
        profile_at(c, "stacks", (long)i);
        read_stack(view, c, json_array_get(list, i), i);
    }
}
