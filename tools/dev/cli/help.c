/* SPDX-License-Identifier: Apache-2.0 */
/* cli/help.c - what `hl-dev COMMAND --help` prints. */
#include <string.h>

#include "commands.h"
#include "option_table.h"
#include "wrap.h"

#define TEXT_COLUMN 21

/* "--call EXPR, --host FILE, ...": options whose text is in another command's help. */
static void print_named(FILE *f, enum command command)
{
    struct wrap wrap = {.file = f, .width = OPTION_WIDTH, .indent = 2, .column = 1};
    char label[OPTION_LABEL + 1];
    size_t last = option_rows;
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].commands & option_table[i].named & 1u << command)
            last = i;
    if (last == option_rows)
        return;
    fputc(' ', f);
    for (size_t i = 0; i <= last; i++) {
        if (!(option_table[i].commands & option_table[i].named & 1u << command))
            continue;
        option_label(&option_table[i].spec, label);
        if (i < last)
            strcat(label, ",");
        wrap_word(&wrap, label, strlen(label));
    }
    fputc('\n', f);
}

void command_print_help(FILE *f, enum command command)
{
    const struct command_row *row = &command_table[command];
    fprintf(f, "Usage: hl-dev %s%s%s\n\n%s\n", row->name, *row->arguments ? " " : "",
            row->arguments, row->about);
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].commands & ~option_table[i].named & 1u << command)
            option_print_help(f, &option_table[i].spec, TEXT_COLUMN);
    print_named(f, command);
    if (row->after)
        fprintf(f, "\n%s", row->after);
}
