/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - what hl-link has to know of a linker's command line. */
#ifndef HL_LINK_OPTIONS_H
#define HL_LINK_OPTIONS_H

#include <stdbool.h>

#include "words.h"

/* Of options that cannot give a guest. */
struct refused {
    const char *option; /* as one writes it, or "-z KEYWORD" */
    const char *why, *hint;
    const char *undo; /* the option that takes it back, or NULL */
};

struct options {
    const char *output; /* "a.out" */
    const char *script; /* of -T, or NULL */
    bool pie;
    bool relocatable;              /* -r: makes an object file */
    bool query;                    /* --version or the like: links nothing */
    const struct refused *refused; /* such an option that holds, or NULL */
    const char *refused_word;      /* as it was written */
};

void options_read(struct options *options, const struct words *words);

#endif
