/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/cmd_ps.c - hl-dev ps: the sandboxes a debugger can attach to. */
#include <stdlib.h>
#include <string.h>

#include <hl/attach.h>

#include "attachable.h"
#include "commands.h"
#include "json.h"
#include "profile_grid.h"
#include "profile_text.h"
#include "options.h"
#include "ui.h"

static const char *state_text(const struct hl_attachable *a, char *buf, size_t size)
{
    const char *name = hl_attachable_state_name(a->state);
    if (a->state == HL_ATTACHABLE_IN_CALL && a->function[0])
        snprintf(buf, size, "in %s", a->function);
    else if (a->state == HL_ATTACHABLE_HELD && a->function[0])
        snprintf(buf, size, "held in %s", a->function);
    else
        snprintf(buf, size, "%s", a->state == HL_ATTACHABLE_HELD ? "held" : name);
    return buf;
}

/* The table has no room for whole paths; --json has them. */
static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

enum { ID, PID, STATE, CALLS, PROGRAM, GUEST, ENDPOINT, COLUMNS };

/* One cell; the text is good until the next one. */
static const char *cell(const struct hl_attachable *list, size_t count, size_t i, int column)
{
    static char buf[160];
    const struct hl_attachable *a = &list[i];
    switch (column) {
    case ID:
        attachable_id(list, count, i, buf, sizeof(buf));
        return buf;
    case PID:
        snprintf(buf, sizeof(buf), "%d", a->pid);
        return buf;
    case STATE:
        return state_text(a, buf, sizeof(buf));
    case CALLS:
        snprintf(buf, sizeof(buf), "%llu", (unsigned long long)a->calls);
        return buf;
    case PROGRAM:
        return last_part(a->program);
    case GUEST:
        return last_part(a->guest);
    default:
        return a->endpoint;
    }
}

static void put_cell(struct profile_grid *grid, const char *text)
{
    char *clean = profile_text_clean(text);
    profile_grid_cell(grid, "%s", clean ? clean : "");
    free(clean);
}

/* What does not fit --json has: the process is in the ID, and attach finds the endpoint by that. */
static int print_table(const struct hl_attachable *list, size_t count)
{
    static const char *const names[] = {"ID",      "PID",   "STATE",   "CALLS",
                                        "PROGRAM", "GUEST", "ENDPOINT"};
    struct profile_grid grid = {.align = "lrlrlll", .bold_head = true, .spare = "bg"};
    if (!count) {
        puts("no sandboxes");
        return ui_finish(EXIT_FINE);
    }
    for (int c = 0; c < COLUMNS; c++)
        profile_grid_cell(&grid, "%s", names[c]);
    for (size_t i = 0; i < count; i++)
        for (int c = 0; c < COLUMNS; c++)
            put_cell(&grid, cell(list, count, i, c));
    if (!profile_grid_print(&grid, stdout, &profile_colors[*ui_bold(stdout) != 0]))
        return ui_error(EXIT_SYSTEM, "out of memory");
    return ui_finish(EXIT_FINE);
}

static json_t *row_json(const struct hl_attachable *list, size_t count, size_t i)
{
    const struct hl_attachable *a = &list[i];
    char id[32];
    json_t *o = json_object();
    attachable_id(list, count, i, id, sizeof(id));
    json_object_set_new(o, "id", json_string(id));
    json_object_set_new(o, "pid", json_integer(a->pid));
    json_object_set_new(o, "number", json_integer(a->number));
    json_object_set_new(o, "state", json_string(hl_attachable_state_name(a->state)));
    json_object_set_new(o, "function", json_text(a->function, strlen(a->function)));
    json_object_set_new(o, "calls", json_integer((json_int_t)a->calls));
    json_object_set_new(o, "exits", json_integer((json_int_t)a->exits));
    json_object_set_new(o, "program", json_text(a->program, strlen(a->program)));
    json_object_set_new(o, "guest", json_text(a->guest, strlen(a->guest)));
    json_object_set_new(o, "endpoint", json_text(a->endpoint, strlen(a->endpoint)));
    json_object_set_new(o, "remote", json_text(a->remote, strlen(a->remote)));
    return o;
}

static int print_json(const struct hl_attachable *list, size_t count)
{
    json_t *document = json_object(), *array = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(array, row_json(list, count, i));
    json_object_set_new(document, "sandboxes", array);
    return json_print(document, EXIT_FINE);
}

int cmd_ps(int argc, char **argv)
{
    struct options options;
    struct hl_attachable *list;
    struct hl_error error;
    size_t count;
    int status = options_parse(&options, COMMAND_PS, argc, argv);
    if (status < 0 && hl_attachable_list(&list, &count, &error)) {
        status = ui_library_error(&error);
    } else if (status < 0) {
        if (options.json)
            status = print_json(list, count);
        else
            status = print_table(list, count);
        hl_attachable_free(list);
    }
    options_free(&options);
    return status;
}
