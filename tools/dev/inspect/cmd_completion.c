/* SPDX-License-Identifier: Apache-2.0 */
/* inspect/cmd_completion.c - hl-dev completion bash|zsh: a script to source. */
#include <stdio.h>
#include <string.h>

#include <hl/hl.h>

#include "commands.h"
#include "ui.h"

static const char help[] = "Usage: hl-dev completion bash|zsh\n"
                           "\n"
                           "Print a completion script: source <(hl-dev completion bash)\n"
                           "\n"
                           "  -h, --help, --version\n";

#define SUBCOMMANDS "run debug profile trace ps attach inspect core doctor completion help version"
#define RUN_OPTIONS                                                                                \
    "--call --host --heap --stack --input --output --image-max --timeout --repeat --restore "      \
    "--core --gdb "                                                                                \
    "--stop-at --safe-output --json --color --quiet --verbose --help --version"
#define TRACE_OPTIONS                                                                              \
    "-e -k -o -r -s -t --call --host --heap --stack --input --output --image-max --timeout "       \
    "--repeat "                                                                                    \
    "--restore --safe-output --stack-trace --string-limit --json --color --quiet --verbose "       \
    "--help --version"
#define PROFILE_OPTIONS                                                                            \
    "-o --exits --cpu --rate --memory --by --weight --format --diff --from --call --host --heap "  \
    "--stack --input --output --image-max --timeout --repeat --restore --core --json --color "     \
    "--quiet "                                                                                     \
    "--safe-output --verbose --help --version"
#define PROFILE_FORMATS "table json folded svg callgrind speedscope"
#define PROFILE_BY "reason host function line"
#define TRACE_CLASSES "host syscall fault log result abort interrupt io mmio all"

/*
 * bash splits words at `:` and `=`; our options take their values as a word of their own, but for
 * --gdb.  The first line of ps is a heading.
 */
static const char bash[] =
    "_hl_dev() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    case $prev in\n"
    "    --color) COMPREPLY=($(compgen -W 'auto always never' -- \"$cur\")); return ;;\n"
    "    --host|--core|-o|--diff|--from) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
    "    --stop-at) COMPREPLY=($(compgen -W 'entry main none' -- \"$cur\")); return ;;\n"
    "    --format) COMPREPLY=($(compgen -W '" PROFILE_FORMATS "' -- \"$cur\")); return ;;\n"
    "    --by) COMPREPLY=($(compgen -W '" PROFILE_BY "' -- \"$cur\")); return ;;\n"
    "    --weight) COMPREPLY=($(compgen -W 'count time' -- \"$cur\")); return ;;\n"
    "    -e) COMPREPLY=($(compgen -W '" TRACE_CLASSES "' -- \"$cur\")); return ;;\n"
    "    "
    "--call|--heap|--stack|--input|--output|--image-max|--timeout|--repeat|--rate|-s|--string-"
    "limit) "
    "return ;;\n"
    "    esac\n"
    "    if [ \"$COMP_CWORD\" = 1 ]; then\n"
    "        COMPREPLY=($(compgen -W '" SUBCOMMANDS " --help --version' -- \"$cur\"))\n"
    "    elif [ \"${COMP_WORDS[1]}\" = completion ]; then\n"
    "        COMPREPLY=($(compgen -W 'bash zsh' -- \"$cur\"))\n"
    "    elif [ \"${COMP_WORDS[1]}\" = attach ]; then\n"
    "        COMPREPLY=($(compgen -W '$(hl-dev ps 2>/dev/null | awk \"NR > 1 { print \\$1 }\")' -- "
    "\"$cur\"))\n"
    "    elif [ \"${COMP_WORDS[1]}\" = profile ] && [ \"${cur#-}\" != \"$cur\" ]; then\n"
    "        COMPREPLY=($(compgen -W '" PROFILE_OPTIONS "' -- \"$cur\"))\n"
    "    elif [ \"${COMP_WORDS[1]}\" = trace ] && [ \"${cur#-}\" != \"$cur\" ]; then\n"
    "        COMPREPLY=($(compgen -W '" TRACE_OPTIONS "' -- \"$cur\"))\n"
    "    elif [ \"${cur#-}\" != \"$cur\" ]; then\n"
    "        COMPREPLY=($(compgen -W '" RUN_OPTIONS "' -- \"$cur\"))\n"
    "    else\n"
    "        COMPREPLY=($(compgen -f -- \"$cur\"))\n"
    "    fi\n"
    "}\n"
    "complete -o filenames -F _hl_dev hl-dev\n";

static const char zsh[] = "#compdef hl-dev\n"
                          "_hl_dev() {\n"
                          "    if (( CURRENT == 2 )); then\n"
                          "        compadd " SUBCOMMANDS " --help --version\n"
                          "    elif [[ $words[2] == completion ]]; then\n"
                          "        compadd bash zsh\n"
                          "    elif [[ $words[2] == attach ]]; then\n"
                          "        compadd ${(f)\"$(hl-dev ps 2>/dev/null | "
                          "awk 'NR > 1 { print $1 }')\"}\n"
                          "    elif [[ $words[CURRENT-1] == --stop-at ]]; then\n"
                          "        compadd entry main none\n"
                          "    elif [[ $words[CURRENT-1] == --color ]]; then\n"
                          "        compadd auto always never\n"
                          "    elif [[ $words[CURRENT-1] == --format ]]; then\n"
                          "        compadd " PROFILE_FORMATS "\n"
                          "    elif [[ $words[CURRENT-1] == --by ]]; then\n"
                          "        compadd " PROFILE_BY "\n"
                          "    elif [[ $words[CURRENT-1] == --weight ]]; then\n"
                          "        compadd count time\n"
                          "    elif [[ $words[CURRENT-1] == -e ]]; then\n"
                          "        compadd " TRACE_CLASSES "\n"
                          "    elif [[ $words[2] == profile && $words[CURRENT] == -* ]]; then\n"
                          "        compadd -- " PROFILE_OPTIONS "\n"
                          "    elif [[ $words[2] == trace && $words[CURRENT] == -* ]]; then\n"
                          "        compadd -- " TRACE_OPTIONS "\n"
                          "    elif [[ $words[CURRENT] == -* ]]; then\n"
                          "        compadd -- " RUN_OPTIONS "\n"
                          "    else\n"
                          "        _files\n"
                          "    fi\n"
                          "}\n"
                          "compdef _hl_dev hl-dev\n";

int cmd_completion(int argc, char **argv)
{
    const char *shell = argc == 2 ? argv[1] : "";
    if (strcmp(shell, "--help") == 0 || strcmp(shell, "-h") == 0)
        fputs(help, stdout);
    else if (strcmp(shell, "--version") == 0)
        printf("hl-dev %s\n", hl_version());
    else if (strcmp(shell, "bash") == 0)
        fputs(bash, stdout);
    else if (strcmp(shell, "zsh") == 0)
        fputs(zsh, stdout);
    else {
        ui_error(0, "%s%s", *shell ? "no completion for " : "which shell?", shell);
        ui_hint("hl-dev completion bash, or hl-dev completion zsh");
        return EXIT_USAGE;
    }
    return ui_finish(EXIT_FINE);
}
