/* SPDX-License-Identifier: Apache-2.0 */
#include "new.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hl/error.h>

#include "ini_lines.h"

#define INI_MAX 65536

static int no_memory(void)
{
    return new_error(NEW_SYSTEM, "out of memory");
}

/* Keeps the first `description = TEXT`; other lines are their author's. */
static int take_line(void *about, enum ini_item item, const struct ini *ini)
{
    char **text = about;

    if (item != INI_ENTRY || *text || strcmp(ini->key, "description"))
        return 0;
    *text = strdup(ini->value);
    return *text ? 0 : HL_ERR_MEMORY;
}

/* Takes about; NULL is no description. */
static int add_template(struct new_templates *templates, const char *name, char *about)
{
    struct new_template *items =
        realloc(templates->items, (templates->count + 1) * sizeof(*templates->items));
    struct new_template *item;

    if (!items) {
        free(about);
        return no_memory();
    }
    templates->items = items;
    item = &items[templates->count++];
    item->name = strdup(name);
    item->about = about ? about : strdup("");
    return item->name && item->about ? 0 : no_memory();
}

static int describe(struct new_templates *templates, const char *name, const struct new_text *ini)
{
    char *about = NULL;

    if (!ini_read(ini->data, ini->len, take_line, &about))
        return add_template(templates, name, about);
    free(about);
    return no_memory();
}

/* A file without template.ini, such as a README beside the templates, is skipped without an error.
 */
static int consider(struct new_templates *templates, const char *name)
{
    struct new_text ini = {0};
    char *path;
    int status = 0;
    if (asprintf(&path, "%s/%s/" NEW_TEMPLATE_INI, templates->directory, name) < 0)
        return no_memory();
    if (!access(path, F_OK))
        status = new_text_read(&ini, path, INI_MAX);
    if (!status && ini.data)
        status = describe(templates, name, &ini);
    new_text_free(&ini);
    free(path);
    return status;
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: the same in every locale */
}

int new_templates_open(struct new_templates *templates, const char *bindir)
{
    const char *set = getenv("HL_TEMPLATES");
    struct dirent **names;
    int count, status = 0;
    if (set && !*set)
        set = NULL;
    if (asprintf(&templates->directory, "%s%s", set ? set : bindir,
                 set ? "" : "/../share/hl/templates") < 0) {
        templates->directory = NULL;
        return no_memory();
    }
    count = scandir(templates->directory, &names, visible, by_name);
    if (count < 0) {
        status = new_error_errno("cannot read the templates in %s", templates->directory);
        new_hint(set ? "HL_TEMPLATES names the directory that holds them"
                     : "install share/hl/templates beside bin, or name the place in HL_TEMPLATES");
        return status;
    }
    for (int i = 0; i < count; i++) {
        if (!status)
            status = consider(templates, names[i]->d_name);
        free(names[i]);
    }
    free(names);
    if (!status && !templates->count)
        status = new_error(NEW_USER, "there are no templates in %s", templates->directory);
    return status;
}

void new_templates_free(struct new_templates *templates)
{
    for (size_t i = 0; i < templates->count; i++) {
        free(templates->items[i].name);
        free(templates->items[i].about);
    }
    free(templates->items);
    free(templates->directory);
    *templates = (struct new_templates){0};
}

static int unknown(const struct new_templates *templates, const char *name)
{
    struct new_text names = {0};
    new_error(NEW_USER, "there is no template '%s' in %s", name, templates->directory);
    for (size_t i = 0; i < templates->count; i++)
        if (new_text_puts(&names, i ? ", " : "") || new_text_puts(&names, templates->items[i].name))
            break;
    if (names.data)
        new_hint("choose one of: %s (`hl-new --list` describes them)", names.data);
    new_text_free(&names);
    return NEW_USER;
}

int new_templates_find(const struct new_templates *templates, const char *name, char **directory)
{
    for (size_t i = 0; i < templates->count; i++) {
        if (strcmp(templates->items[i].name, name))
            continue;
        if (asprintf(directory, "%s/%s", templates->directory, name) >= 0)
            return 0;
        *directory = NULL;
        return no_memory();
    }
    return unknown(templates, name);
}
