/* SPDX-License-Identifier: Apache-2.0 */
#include "new_options.h"

const struct option_spec new_option_table[NEW_OPTIONS] = {
    {"template", 't', required_argument, "TEMPLATE",
     .help = "what to start from (default: " NEW_DEFAULT_TEMPLATE ")",
     .manual = "What to start from; by default\n"
               ".Cm " NEW_DEFAULT_TEMPLATE " .\n"},
    {"list", 'l', .help = "describe the templates",
     .manual = "List the templates with a description of each.\n"},
    {"dry-run", 'n', .help = "print the files that would be written, write none",
     .manual = "Print the files that would be written, and write none.\n"},
    {"quiet", 'q', .help = "do not print what to type next",
     .manual = "Do not print what to type next.\n"},
    {"help", 'h', .help = "print this", .manual = "Print a summary of the options.\n"},
    {"version", 'V', .help = "print the version", .manual = "Print the version.\n"},
};
