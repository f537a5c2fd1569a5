/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render/speedscope.c - https://www.speedscope.app/file-format-schema.json: a profile of counts
 * and one of times, with the same stacks.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "profile_map.h"
#include "profile_output.h"
#include "profile_path.h"

struct scope {
    FILE *out;
    const struct view *view;
    enum profile_by by;
    struct profile_map map;
    json_t *frames;
    struct profile_cell *cell; /* of the row at hand */
};

static json_t *frame_json(const struct profile_cell *cell)
{
    const struct view_frame *f = cell->frame;
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

static bool add_frames(struct scope *s, const struct profile_row *row)
{
    size_t n = profile_path(s->view, row, s->by, s->cell);
    for (size_t i = 0; i < n; i++) {
        uint32_t frame = profile_map(&s->map, s->cell[i].type, s->cell[i].key);
        if (frame == PROFILE_MAP_FULL ||
            (frame == json_array_size(s->frames) &&
             json_array_append_new(s->frames, frame_json(s->cell + i))))
            return false;
    }
    return true;
}

/* All frames have their numbers by now.  Stacks are not kept: there may be a great many. */
static void print_samples(struct scope *s)
{
    const char *comma = "";
    for (size_t i = 0; i < s->view->row_count; i++) {
        size_t n = profile_path(s->view, s->view->row + i, s->by, s->cell);
        if (!n)
            continue;
        fprintf(s->out, "%s[", comma);
        for (size_t j = 0; j < n; j++)
            fprintf(s->out, "%s%" PRIu32, j ? "," : "",
                    profile_map(&s->map, s->cell[j].type, s->cell[j].key));
        fputc(']', s->out);
        comma = ",\n";
    }
}

static uint64_t print_weights(struct scope *s, bool time, bool print)
{
    uint64_t sum = 0;
    const char *comma = "";
    for (size_t i = 0; i < s->view->row_count; i++) {
        const struct profile_row *row = s->view->row + i;
        uint64_t weight = time ? row->ns : row->count;
        if (!profile_path(s->view, row, s->by, s->cell))
            continue;
        if (print)
            fprintf(s->out, "%s%" PRIu64, comma, weight);
        sum += weight;
        comma = ",";
    }
    return sum;
}

static void print_profile(struct scope *s, const char *name, const char *unit, bool time)
{
    fprintf(s->out, "{\"type\":\"sampled\",\"name\":\"%s\",\"unit\":\"%s\",\"startValue\":0,", name,
            unit);
    fprintf(s->out, "\"endValue\":%" PRIu64 ",\"samples\":[\n", print_weights(s, time, false));
    print_samples(s);
    fputs("],\n\"weights\":[", s->out);
    print_weights(s, time, true);
    fputs("]}", s->out);
}

static bool print(struct scope *s, enum profile_weight weight)
{
    json_t *name = json_string(*s->view->guest ? s->view->guest : "guest");
    char *frames = json_dumps(s->frames, JSON_COMPACT | JSON_PRESERVE_ORDER);
    char *quoted = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
    if (frames && quoted) {
        fprintf(s->out,
                "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
                "\"exporter\":\"hl-dev\",\"name\":%s,\"activeProfileIndex\":%d,\n"
                "\"shared\":{\"frames\":%s},\n\"profiles\":[",
                quoted, weight == PROFILE_TIME, frames);
        print_profile(s, s->view->cpu ? "samples" : "exits", "none", false);
        fputs(",\n", s->out);
        print_profile(s, "time", "nanoseconds", true);
        fputs("]}\n", s->out);
    }
    bool fine = frames && quoted;
    free(frames);
    free(quoted);
    json_decref(name);
    return fine;
}

int profile_speedscope(FILE *out, const struct view *view, const struct profile_options *options,
                       struct hl_error *error)
{
    struct scope s = {.out = out, .view = view, .by = options->by, .frames = json_array()};
    s.cell = calloc(PROFILE_PATH_MAX, sizeof(*s.cell));
    bool fine = s.cell && s.frames;
    for (size_t i = 0; i < view->row_count && fine; i++)
        fine = add_frames(&s, view->row + i);
    fine = fine && print(&s, options->weight);
    json_decref(s.frames);
    free(s.cell);
    profile_map_free(&s.map);
    return fine ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}
