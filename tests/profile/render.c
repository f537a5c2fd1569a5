/* SPDX-License-Identifier: Apache-2.0 */
/*
 * render.c - the renderers of `hl-dev profile` on a document from a file: needs neither guest nor
 * KVM.
 *
 * usage: render FILE [--format F] [--by B] [--weight W] [--diff OLD] [--color]
 */
#include <stdlib.h>
#include <string.h>

#include "profile_render.h"

static const char *option(char **argv, const char *name)
{
    for (; *argv; argv++)
        if (strcmp(*argv, name) == 0)
            return argv[1] ? argv[1] : "";
    return NULL;
}

static int failed(const struct hl_error *error)
{
    fprintf(stderr, "error: %s: %s\n", hl_err_name(error->code), error->text);
    if (error->hint[0])
        fprintf(stderr, "hint: %s\n", error->hint);
    return 1;
}

int main(int argc, char **argv)
{
    struct profile_options options = {.color = argc > 1 && option(argv, "--color")};
    struct hl_error error = {0};
    json_t *document = NULL, *old = NULL;
    const char *format = option(argv, "--format"), *by = option(argv, "--by");
    const char *weight = option(argv, "--weight"), *diff = option(argv, "--diff");
    if (argc < 2 || (format && !profile_parse_format(format, &options.format)) ||
        (by && !profile_parse_by(by, &options.by)) ||
        (weight && !profile_parse_weight(weight, &options.weight))) {
        fprintf(stderr, "usage: render FILE [--format F] [--by B] [--weight W] [--diff OLD]\n");
        return 64;
    }
    int rc = profile_load(&document, argv[1], &error);
    if (!rc && diff)
        rc = profile_load(&old, diff, &error);
    options.old = old;
    if (!rc)
        rc = profile_render(stdout, document, &options, &error);
    json_decref(document);
    json_decref(old);
    return rc ? failed(&error) : 0;
}
