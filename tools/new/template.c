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

#define INI_MAX 65536

static int no_memory(void)
{
    return new_error(NEW_SYSTEM, "out of memory");
}

/* The text of the line `description = TEXT`, cut out of ini; "" when there is none. */
static char *description(char *ini)
{
    static const char key[] = "description";
    for (char *line = ini, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (strncmp(line, key, sizeof(key) - 1))
            continue;
        line += sizeof(key) - 1;
        line += strspn(line, " \t");
        if (*line == '=')
            return line + 1 + strspn(line + 1, " \t");
    }
    return ini + strlen(ini);
}

static int add(struct new_templates *templates, const char *name, const char *about)
{
    struct new_template *items =
        realloc(templates->items, (templates->count + 1) * sizeof(*templates->items));
    struct new_template *item;
    if (!items)
        return no_memory();
    templates->items = items;
    item = &items[templates->count++];
    item->name = strdup(name);
    item->about = strdup(about);
    return item->name && item->about ? 0 : no_memory();
}

/* Whatever has no template.ini, such as a README beside the templates, is none and no error. */
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
        status = add(templates, name, description(ini.data));
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
