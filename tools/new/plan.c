/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole template is read and rendered before the first byte is written, so errors in
 * it are found while there is nothing to undo, and --dry-run finds them too.
 */
#include "new.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grow.h"

/* Far above any real template: they stop HL_TEMPLATES=/ before it has read the disk. */
#define NEW_BYTES_MAX (64u << 20)
#define NEW_ENTRIES_MAX 32768
#define NEW_DEPTH_MAX 16

struct reader {
    struct new_plan *plan;
    const struct new_variable *variables;
    const char *root;
};

static int no_memory(void)
{
    return new_error(NEW_SYSTEM, "out of memory");
}

/* Takes the path; NULL, and said so, when memory is out. */
static struct new_entry *append(struct new_plan *plan, char *path, mode_t mode)
{
    struct new_entry *entry;
    struct new_entry *entries =
        array_grow(plan->entries, &plan->size, plan->count + 1, sizeof(*entries));

    if (!entries) {
        free(path);
        no_memory();
        return NULL;
    }
    plan->entries = entries;
    entry = &plan->entries[plan->count++];
    *entry = (struct new_entry){.path = path, .mode = mode};
    return entry;
}

/* "WHERE/name", the name with its placeholders replaced; WHERE is "" at the top. */
static int render_path(const struct reader *reader, const char *where, const char *name,
                       char **path)
{
    struct new_text out = {0};
    int status = new_text_puts(&out, where);
    if (!status && *where)
        status = new_text_puts(&out, "/");
    if (!status)
        status = new_render(&out, reader->variables, name, name, strlen(name));
    if (!status && strchr(out.data + strlen(where) + (*where != '\0'), '/'))
        status = new_error(NEW_USER, "the file name %s makes a path: %s", name, out.data);
    *path = out.data;
    if (status)
        new_text_free(&out);
    return status;
}

static int read_file(const struct reader *reader, const char *source, struct new_entry *entry)
{
    struct new_plan *plan = reader->plan;
    struct new_text text = {0};
    int status = new_text_read(&text, source, NEW_BYTES_MAX);
    if (!status)
        status = new_render(&entry->text, reader->variables, source, text.data, text.len);
    new_text_free(&text);
    plan->bytes += entry->text.len;
    if (!status && plan->bytes > NEW_BYTES_MAX)
        return new_error(NEW_USER, "%s is too large for a template", reader->root);
    return status;
}

static int read_directory(const struct reader *reader, const char *source, const char *where,
                          int depth);

static int read_entry(const struct reader *reader, const char *source, const char *where,
                      const char *name, int depth)
{
    struct new_entry *entry;
    struct stat st;
    mode_t mode;
    char *path;
    int status;
    if (!*where && !strcmp(name, NEW_TEMPLATE_INI))
        return 0;
    if (stat(source, &st))
        return new_error_errno("cannot read %s", source);
    if (depth >= NEW_DEPTH_MAX || reader->plan->count >= NEW_ENTRIES_MAX)
        return new_error(NEW_USER, "%s is too large for a template", reader->root);
    status = render_path(reader, where, name, &path);
    if (status)
        return status;
    /* Of the mode, what a project needs: the rest is how the template was installed. */
    mode = S_ISDIR(st.st_mode) ? S_IFDIR | 0777 : S_IFREG | 0666 | (st.st_mode & 0111);
    entry = append(reader->plan, path, mode);
    if (!entry)
        return NEW_SYSTEM;
    return S_ISDIR(mode) ? read_directory(reader, source, path, depth + 1)
                         : read_file(reader, source, entry);
}

static int visible(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_directory(const struct reader *reader, const char *source, const char *where,
                          int depth)
{
    struct dirent **names;
    int count = scandir(source, &names, visible, by_name);
    int status = 0;
    if (count < 0)
        return new_error_errno("cannot read %s", source);
    for (int i = 0; i < count; i++) {
        char *path;
        if (!status && asprintf(&path, "%s/%s", source, names[i]->d_name) < 0)
            status = no_memory();
        else if (!status) {
            status = read_entry(reader, path, where, names[i]->d_name, depth);
            free(path);
        }
        free(names[i]);
    }
    free(names);
    return status;
}

int new_plan_read(struct new_plan *plan, const char *directory,
                  const struct new_variable *variables)
{
    struct reader reader = {.plan = plan, .variables = variables, .root = directory};
    return read_directory(&reader, directory, "", 0);
}

void new_plan_free(struct new_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        free(plan->entries[i].path);
        new_text_free(&plan->entries[i].text);
    }
    free(plan->entries);
    *plan = (struct new_plan){0};
}
