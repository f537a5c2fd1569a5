/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/cmd_inspect.c - hl-dev inspect: what a guest file holds; needs no KVM. */
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "frames.h"
#include "json.h"
#include "names.h"
#include "profile_grid.h"
#include "profile_text.h"
#include "options.h"
#include "ui.h"

static size_t find_file_size(const struct hl_image *image)
{
    size_t size;
    hl_image_data(image, &size);
    return size;
}

static void place(struct hl_symbols *symbols, hl_gva_t entry, struct hl_location *l)
{
    *l = (struct hl_location){0};
    if (symbols && entry)
        hl_symbols_find(symbols, entry, l);
}

/* A signature, and where its function is: cut at the start of the path where the line is full. */
static void put_function(struct profile_grid *grid, const struct hl_function *f,
                         struct hl_symbols *symbols)
{
    char text[256];
    struct hl_location l;
    hl_signature_format(f->name, &f->signature, text, sizeof(text));
    place(symbols, f->entry, &l);
    char *file = profile_text_clean(l.file ? l.file : "");
    profile_grid_cell(grid, "  %s", text);
    if (file && *file)
        profile_grid_cell(grid, "%s:%d", file, l.line);
    else
        profile_grid_cell(grid, "%s", "");
    free(file);
}

static int print_text(const struct hl_image *image, const struct hl_region *regions,
                      struct hl_symbols *symbols)
{
    const char *b = ui_bold(stdout), *p = ui_plain(stdout);
    char prot[4];
    struct profile_grid grid = {.align = "ll", .cut = 'b'};
    fputs(b, stdout);
    ui_clean(stdout, hl_image_path(image));
    printf("%s: %s guest, ABI %d, %s, %zu bytes, entry 0x%llx\n", p,
           hl_image_flags(image) & HL_NOTE_LIBC ? "libc" : "freestanding", HL_ABI_VERSION,
           hl_image_is_pie(image) ? "PIE" : "non-PIE", find_file_size(image),
           (unsigned long long)hl_image_entry(image));
    printf("%smain%s      %s\n", b, p, hl_image_flags(image) & HL_NOTE_MAIN ? "yes" : "no");
    printf("%sfunctions%s %zu\n", b, p, hl_image_function_count(image));
    for (size_t i = 0; i < hl_image_function_count(image); i++)
        put_function(&grid, hl_image_function(image, i), symbols);
    profile_grid_print(&grid, stdout, &profile_colors[0]);
    printf("%simports%s   %zu\n", b, p, hl_image_import_count(image));
    for (size_t i = 0; i < hl_image_import_count(image); i++)
        put_function(&grid, hl_image_import(image, i), NULL);
    profile_grid_print(&grid, stdout, &profile_colors[0]);
    printf("%ssegments%s\n", b, p);
    for (size_t i = 0; i < hl_image_segment_count(image); i++) {
        const struct hl_segment *s = hl_image_segment(image, i);
        prot_text(s->prot, prot);
        printf("  0x%012llx-0x%012llx %s  %8zu in the file\n", (unsigned long long)s->start,
               (unsigned long long)(s->start + s->size), prot, s->file_size);
    }
    printf("%smemory%s\n", b, p);
    for (size_t i = 0; i < HL_REGIONS; i++) {
        const struct hl_region *r = &regions[i];
        prot_text(r->prot, prot);
        printf("  0x%012llx-0x%012llx %s  %8zu KiB  %s\n", (unsigned long long)r->start,
               (unsigned long long)(r->start + r->size), i ? prot : "   ", r->size >> 10, r->name);
    }
    return ui_finish(EXIT_FINE);
}

static json_t *hex(uint64_t n)
{
    return json_sprintf("0x%llx", (unsigned long long)n);
}

static json_t *function_json(const struct hl_function *f, struct hl_symbols *symbols)
{
    json_t *o = json_object(), *args = json_array();
    struct hl_location l;
    place(symbols, f->entry, &l);
    json_object_set_new(o, "name", json_string(f->name));
    json_object_set_new(o, "result", json_string(hl_type_name(f->signature.result)));
    for (unsigned i = 0; i < f->signature.count; i++)
        json_array_append_new(args, json_string(hl_type_name(f->signature.args[i])));
    json_object_set_new(o, "args", args);
    if (f->entry)
        json_object_set_new(o, "entry", hex(f->entry));
    if (l.file) {
        json_object_set_new(o, "file", json_text(l.file, strlen(l.file)));
        json_object_set_new(o, "line", json_integer(l.line));
    }
    return o;
}

static json_t *range_json(hl_gva_t start, size_t size, unsigned prot)
{
    char text[4];
    json_t *o = json_object();
    prot_text(prot, text);
    json_object_set_new(o, "start", hex(start));
    json_object_set_new(o, "end", hex(start + size));
    json_object_set_new(o, "prot", json_string(text));
    return o;
}

static int print_json(const struct hl_image *image, const struct hl_region *regions,
                      struct hl_symbols *symbols)
{
    json_t *o = json_object(), *functions = json_array(), *imports = json_array();
    json_t *segments = json_array(), *memory = json_array();
    const char *path = hl_image_path(image);
    json_object_set_new(o, "guest", json_text(path, strlen(path)));
    json_object_set_new(o, "abi", json_integer(HL_ABI_VERSION));
    json_object_set_new(o, "libc", json_boolean(hl_image_flags(image) & HL_NOTE_LIBC));
    json_object_set_new(o, "pie", json_boolean(hl_image_is_pie(image)));
    json_object_set_new(o, "main", json_boolean(hl_image_flags(image) & HL_NOTE_MAIN));
    json_object_set_new(o, "size", json_integer((json_int_t)find_file_size(image)));
    json_object_set_new(o, "entry", hex(hl_image_entry(image)));
    for (size_t i = 0; i < hl_image_function_count(image); i++)
        json_array_append_new(functions, function_json(hl_image_function(image, i), symbols));
    for (size_t i = 0; i < hl_image_import_count(image); i++)
        json_array_append_new(imports, function_json(hl_image_import(image, i), NULL));
    for (size_t i = 0; i < hl_image_segment_count(image); i++) {
        const struct hl_segment *s = hl_image_segment(image, i);
        json_t *range = range_json(s->start, s->size, s->prot);
        json_object_set_new(range, "file_size", json_integer((json_int_t)s->file_size));
        json_array_append_new(segments, range);
    }
    for (size_t i = 0; i < HL_REGIONS; i++) {
        json_t *range = range_json(regions[i].start, regions[i].size, regions[i].prot);
        json_object_set_new(range, "name", json_string(regions[i].name));
        json_array_append_new(memory, range);
    }
    json_object_set_new(o, "functions", functions);
    json_object_set_new(o, "imports", imports);
    json_object_set_new(o, "segments", segments);
    json_object_set_new(o, "memory", memory);
    return json_print(o, EXIT_FINE);
}

static int inspect(const struct options *o, struct project *project)
{
    struct hl_error error;
    struct hl_image *image = NULL;
    struct hl_symbols *symbols = NULL;
    struct hl_region regions[HL_REGIONS];
    int rc = project_open(project, o->target, &error);
    if (!rc)
        rc = project_build(project, !o->verbose, &error);
    if (!rc)
        rc = hl_image_open(&image, project->guest, &error);
    struct hl_sandbox_config config = HL_SANDBOX_CONFIG_INIT;
    options_sizes(o, project, &config);
    if (!rc)
        rc = hl_sandbox_plan(image, &config, regions, &error);
    if (rc) {
        hl_image_close(image);
        int status = ui_library_error(&error);
        if (rc == HL_ERR_ARGUMENT)
            status = EXIT_USAGE;
        if (!o->json)
            return status;
        json_t *document = json_object();
        json_object_set_new(document, "error", json_error(&error));
        json_object_set_new(document, "status", json_integer(status));
        return json_print(document, status);
    }
    if (hl_symbols_open(&symbols, image, NULL))
        symbols = NULL;
    int status = EXIT_FINE;
    if (o->json)
        status = print_json(image, regions, symbols);
    else
        status = print_text(image, regions, symbols);
    symbols_hint(symbols);
    hl_symbols_close(symbols);
    hl_image_close(image);
    return status;
}

int cmd_inspect(int argc, char **argv)
{
    struct options options;
    struct project project = {0};
    int status = options_parse(&options, COMMAND_INSPECT, argc, argv);
    if (status < 0)
        status = inspect(&options, &project);
    project_free(&project);
    options_free(&options);
    return status;
}
