/* SPDX-License-Identifier: Apache-2.0 */
#include "wrap.h"

#include <string.h>

static void put(struct wrap *w, const char *word, size_t size)
{
    fputc(' ', w->file);
    if (w->put_word)
        w->put_word(w->file, word, size);
    else
        fwrite(word, 1, size, w->file);
    w->column += 1 + (unsigned)size;
}

void wrap_word(struct wrap *w, const char *word, size_t size)
{
    if (w->column + 1 + size > w->width) {
        fprintf(w->file, "\n%*s", (int)w->indent - 1, "");
        w->column = w->indent - 1;
    }
    put(w, word, size);
}

void wrap_text(struct wrap *w, const char *text)
{
    for (const char *start = text; *text;) {
        size_t size = strcspn(text, " ");
        if (text == start)
            put(w, text, size);
        else
            wrap_word(w, text, size);
        text += size + strspn(text + size, " ");
    }
}
