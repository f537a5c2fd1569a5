/* SPDX-License-Identifier: Apache-2.0 */
/* profile.c - any text as a profile document, in every format: refused, or output that can do no
 * harm. */
#include <stdlib.h>

#include "harmless.h"
#include "profile_render.h"
#include "tiny.h"

enum { FORMATS = 6, BYS = 5 };

static void render(const json_t *document, const struct profile_options *options)
{
    struct hl_error error = {0};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    int rc = profile_render(out, document, options, &error);
    fclose(out);
    if (rc ? rc != error.code || !error.text[0]
           : !harmless((unsigned char *)text, len, options->format))
        abort();
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *document = json_loadb((const char *)data, size, 0, NULL);
    if (!document)
        return 0;
    for (unsigned i = 0; i < FORMATS; i++) {
        struct profile_options options = {.format = (enum profile_format)i,
                                          .by = (enum profile_by)((size + i) % BYS),
                                          .weight = (enum profile_weight)(size / BYS % 2)};
        if (i == PROFILE_TABLE || i == PROFILE_JSON || i == PROFILE_SVG)
            options.old = size % 3 ? NULL : document;
        render(document, &options);
    }
    json_decref(document);
    return 0;
}
