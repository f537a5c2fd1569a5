/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_view.h"

#include <stdlib.h>
#include <string.h>

#include "profile_parts.h"
#include "profile_text.h"

static void read_head(struct view *view, struct profile_check *c, const json_t *doc)
{
    profile_at(c, "", -1);
    const char *format = profile_string(c, doc, "format", true);
    if (format && strcmp(format, "hl-profile") != 0)
        profile_bad(c, "format", "not \"hl-profile\"");
    uint64_t version = profile_number(c, doc, "version");
    if (!c->rc && version != 1)
        profile_bad(c, "version", "not 1, the one this hl-dev knows");
    const char *mode = profile_string(c, doc, "mode", true);
    view->cpu = mode && strcmp(mode, "cpu") == 0;
    if (mode && !view->cpu && strcmp(mode, "exits") != 0)
        profile_bad(c, "mode", "neither \"exits\" nor \"cpu\"");
    view->guest = profile_word(view, c, profile_string(c, doc, "guest", false));
    view->hl = profile_word(view, c, profile_string(c, doc, "hl", false));
    view->rate_hz = profile_number_or_0(c, doc, "rate_hz");
}

int view_make(struct view *view, const json_t *document, struct hl_error *error)
{
    struct profile_check c = {.error = error, .list = "", .index = -1};
    memset(view, 0, sizeof(*view));
    read_head(view, &c, document);
    profile_read_frames(view, &c, document);
    profile_read_stacks(view, &c, document);
    profile_read_kinds(view, &c, document);
    profile_read_rows(view, &c, document);
    profile_read_summary(view, &c, document);
    return c.rc;
}

void view_free(struct view *view)
{
    while (view->words) {
        struct profile_words *next = view->words->next;
        free(view->words->text);
        free(view->words);
        view->words = next;
    }
    free(view->frame);
    free(view->stack);
    free(view->kind);
    free(view->row);
    free(view->call);
    free(view->step);
    free(view->counter);
    memset(view, 0, sizeof(*view));
}

const struct view_frame *profile_frame(const struct view *view, long stack)
{
    return view->frame + (stack < 0 ? view->frame_count : view->stack[stack].frame);
}

const struct view_frame *profile_site(const struct view *view, const struct profile_row *row)
{
    return profile_frame(view, row->site >= 0 ? row->site : row->stack);
}

size_t profile_frames(const struct view *view, const struct profile_row *row,
                      const struct view_frame *frame[PROFILE_DEPTH_MAX])
{
    size_t n = row->stack < 0 ? 1 : view->stack[row->stack].depth;
    long at = row->stack;
    for (size_t i = n; i-- > 0; at = at < 0 ? -1 : view->stack[at].parent)
        frame[i] = profile_frame(view, at);
    return n;
}
