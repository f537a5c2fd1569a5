/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_render.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json_write.h"
#include "profile_output.h"

#define DOCUMENT_MAX (64u << 20)

static const char *const format_names[] = {"table", "json",      "folded",
                                           "svg",   "callgrind", "speedscope"};
static const char *const by_names[] = {"", "reason", "host", "function", "line"};
static const char *const weight_names[] = {"count", "time"};

/* Which of them text is; -1: none. */
static int word(const char *text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (*text && strcmp(text, names[i]) == 0)
            return (int)i;
    return -1;
}
#define WORD(text, names) word(text, names, sizeof(names) / sizeof(*(names)))

bool profile_parse_format(const char *text, enum profile_format *format)
{
    int i = WORD(text, format_names);
    if (i >= 0)
        *format = (enum profile_format)i;
    return i >= 0;
}

bool profile_parse_by(const char *text, enum profile_by *by)
{
    int i = WORD(text, by_names);
    if (i >= 0)
        *by = (enum profile_by)i;
    return i >= 0;
}

bool profile_parse_weight(const char *text, enum profile_weight *weight)
{
    int i = WORD(text, weight_names);
    if (i >= 0)
        *weight = (enum profile_weight)i;
    return i >= 0;
}

int profile_load(json_t **document, const char *path, struct hl_error *error)
{
    char *data;
    size_t len;
    json_error_t json;
    *document = NULL;
    int rc = file_read(path, DOCUMENT_MAX, &data, &len, error);
    if (rc)
        return rc;
    *document = json_loadb(data, len, 0, &json);
    free(data);
    if (*document)
        return 0;
    hl_error_set(error, HL_ERR_FILE, "%s: not JSON: line %d: %s", path, json.line, json.text);
    return hl_error_hint(error, "a profile is what hl-dev profile --format json prints");
}

static int render_json(FILE *out, const json_t *document, struct hl_error *error)
{
    bool whole = json_write(out, document, 1);
    fputc('\n', out);
    return whole ? 0 : hl_error_set(error, HL_ERR_MEMORY, "out of memory");
}

static int render_diff(FILE *out, const struct view *view, const struct profile_options *options,
                       struct hl_error *error)
{
    struct view old;
    int rc = view_make(&old, options->old, error);
    if (!rc && old.cpu != view->cpu)
        rc = hl_error_set(error, HL_ERR_ARGUMENT,
                          "cannot compare: one profile is of exits, the other of samples");
    if (!rc)
        rc = options->format == PROFILE_SVG ? profile_svg(out, view, &old, options, error)
                                            : profile_diff(out, view, &old, options, error);
    view_free(&old);
    return rc;
}

static int render(FILE *out, const json_t *document, const struct view *view,
                  const struct profile_options *options, struct hl_error *error)
{
    if (options->old)
        return render_diff(out, view, options, error);
    switch (options->format) {
    case PROFILE_TABLE:
        return profile_table(out, view, options, error);
    case PROFILE_JSON:
        return render_json(out, document, error);
    case PROFILE_FOLDED:
        return profile_folded(out, view, options, error);
    case PROFILE_SVG:
        return profile_svg(out, view, NULL, options, error);
    case PROFILE_CALLGRIND:
        return profile_callgrind(out, view, options, error);
    case PROFILE_SPEEDSCOPE:
        return profile_speedscope(out, view, options, error);
    }
    return hl_error_set(error, HL_ERR_ARGUMENT, "no such format");
}

int profile_render(FILE *out, const json_t *document, const struct profile_options *options,
                   struct hl_error *error)
{
    enum profile_format format = options->format;
    if (options->old && format != PROFILE_TABLE && format != PROFILE_JSON &&
        format != PROFILE_SVG) {
        hl_error_set(error, HL_ERR_ARGUMENT, "--format %s cannot show a comparison (--diff)",
                     format_names[format]);
        return hl_error_hint(error, "formats that can compare are table, json and svg");
    }
    struct view view;
    int rc = view_make(&view, document, error);
    if (!rc)
        rc = render(out, document, &view, options, error);
    view_free(&view);
    if (!rc && (fflush(out) || ferror(out)))
        rc = hl_error_set(error, HL_ERR_SYSTEM, "cannot write the profile: %s", strerror(errno));
    return rc;
}
