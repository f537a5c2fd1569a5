/* SPDX-License-Identifier: Apache-2.0 */
/*
 * profile_speedscope.c - https://www.speedscope.app/file-format-schema.json: a profile of counts
 * and one of times, with the same stacks.
 */
#include <stdlib.h>

#include "profile_map.h"
#include "profile_output.h"
#include "profile_path.h"

struct scope {
    const struct profile_view *view;
    enum profile_by by;
    struct profile_map map;
    json_t *frames, *samples, *counts, *times;
    uint64_t count, ns;
};

static json_t *frame_json(const struct profile_cell *cell)
{
    const struct profile_frame *f = cell->frame;
    json_t *o = json_object();
    json_object_set_new(o, "name",
                        f && f->inlined ? json_sprintf("%s (inlined)", cell->name)
                                        : json_string(cell->name));
    if (f && *f->file)
        json_object_set_new(o, "file", json_string(f->file));
    /* Without --by line the frame stands for many. */
    if (f && *cell->at && f->line)
        json_object_set_new(o, "line", json_integer((json_int_t)f->line));
    return o;
}

static bool add_row(struct scope *s, const struct profile_row *row, struct profile_cell *cell)
{
    size_t n = profile_path(s->view, row, s->by, cell);
    json_t *stack = json_array();
    for (size_t i = 0; i < n && stack; i++) {
        uint32_t frame = profile_map(&s->map, cell[i].type, cell[i].key);
        if (frame == PROFILE_MAP_FULL ||
            (frame == json_array_size(s->frames) &&
             json_array_append_new(s->frames, frame_json(cell + i))) ||
            json_array_append_new(stack, json_integer((json_int_t)frame))) {
            json_decref(stack);
            return false;
        }
    }
    if (!n) {
        json_decref(stack);
        return true;
    }
    s->count += row->count;
    s->ns += row->ns;
    return !json_array_append_new(s->samples, stack) &&
           !json_array_append_new(s->counts, json_integer((json_int_t)row->count)) &&
           !json_array_append_new(s->times, json_integer((json_int_t)row->ns));
}

static json_t *profile_json(const char *name, const char *unit, uint64_t end, json_t *samples,
                            json_t *weights)
{
    return json_pack("{s:s, s:s, s:s, s:i, s:I, s:O, s:O}", "type", "sampled", "name", name, "unit",
                     unit, "startValue", 0, "endValue", (json_int_t)end, "samples", samples,
                     "weights", weights);
}

static json_t *file_json(struct scope *s, enum profile_weight weight)
{
    const char *guest = *s->view->guest ? s->view->guest : "guest";
    json_t *count =
        profile_json(s->view->cpu ? "samples" : "exits", "none", s->count, s->samples, s->counts);
    json_t *time = profile_json("time", "nanoseconds", s->ns, s->samples, s->times);
    return json_pack("{s:s, s:{s:O}, s:[o, o], s:s, s:i, s:s}", "$schema",
                     "https://www.speedscope.app/file-format-schema.json", "shared", "frames",
                     s->frames, "profiles", count, time, "name", guest, "activeProfileIndex",
                     weight == PROFILE_TIME, "exporter", "hl-dev");
}

int profile_speedscope(FILE *out, const struct profile_view *view,
                       const struct profile_options *options, struct hl_error *error)
{
    struct scope s = {.view = view, .by = options->by};
    struct profile_cell *cell = calloc(PROFILE_PATH_MAX, sizeof(*cell));
    s.frames = json_array();
    s.samples = json_array();
    s.counts = json_array();
    s.times = json_array();
    bool fine = cell && s.frames && s.samples && s.counts && s.times;
    for (size_t i = 0; i < view->row_count && fine; i++)
        fine = add_row(&s, view->row + i, cell);
    json_t *file = fine ? file_json(&s, options->weight) : NULL;
    fine = file && (!json_dumpf(file, out, JSON_COMPACT | JSON_PRESERVE_ORDER) || ferror(out));
    fputc('\n', out);
    json_decref(file);
    json_decref(s.frames);
    json_decref(s.samples);
    json_decref(s.counts);
    json_decref(s.times);
    free(cell);
    profile_map_free(&s.map);
    return fine ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}
