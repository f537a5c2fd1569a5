/* SPDX-License-Identifier: Apache-2.0 */
#include "commands.h"

const struct command_row command_table[COMMANDS] = {
    [COMMAND_RUN] =
        {
            .name = "run",
            .summary = "run a guest in a micro-VM and print what its functions return",
            .arguments = "[TARGET] [--call EXPR]... [-- ARG...]",
            .words = WORDS_FILE,
            .rest = "the guest's own",
            .about = "Run a guest in a micro-VM. TARGET is a guest file or a project directory\n"
                     "(default: .), which is built first. Without --call, and without `call =` in\n"
                     "hl.ini, main() runs.\n",
            .after = "Status: 0 fine, 1 the guest reported an error, 64 usage, 100 user or\n"
                     "environment, 111 system failure, 124 timeout, 134 the guest crashed; else\n"
                     "main()'s own.\n",
            .manual = "Run a guest and print what its functions return.\n"
                      "See\n"
                      ".Sx RUNNING A GUEST .\n",
        },
    [COMMAND_DEBUG] =
        {
            .name = "debug",
            .summary = "run a guest under gdb in this terminal",
            .arguments = "[TARGET] [--call EXPR]... [-- GDB-ARG...]",
            .words = WORDS_FILE,
            .rest = "gdb's own",
            .about =
                "Run a guest under gdb in this terminal, stopped at main() or at the first\n"
                "function that is called. TARGET, EXPR and the options without a text are those\n"
                "of `hl-dev run`. The project's gdbinit is read. `run` in gdb starts the guest\n"
                "afresh. The guest ends with gdb, unless it was detached: then it runs on.\n",
            .after =
                "GDB in the environment names another gdb. For a main() with arguments:\n"
                "hl-dev run --gdb TARGET -- ARG...\n"
                "\n"
                "Status: gdb's own, also where gdb has seen the guest fail or has killed it;\n"
                "that of `hl-dev run` when the guest ended without gdb, because gdb detached,\n"
                "disconnected or could not be started.\n",
            .manual = "Run a guest under\n"
                      ".Xr gdb 1\n"
                      "in this terminal.\n"
                      "See\n"
                      ".Sx DEBUGGING .\n",
        },
    [COMMAND_PROFILE] =
        {
            .name = "profile",
            .summary = "show where a guest's exits and time go",
            .arguments = "[TARGET] [--call EXPR]... [-- ARG...]",
            .words = WORDS_FILE,
            .rest = "the guest's own",
            .about =
                "Run a guest as `hl-dev run` does and show which of its lines cause its exits, or\n"
                "where its time goes. The options without a text are those of `hl-dev run`.\n",
            .after =
                "Ctrl-C ends the run and shows what there is; status 130. The document's format\n"
                "is described in docs/profile-format.md. HL_PROFILE=FILE makes any program that\n"
                "uses libhl write one.\n"
                "\n"
                "Status: that of `hl-dev run`.\n",
            .manual =
                "Run a guest and show which of its lines cause its exits, or where its time goes.\n"
                "See\n"
                ".Sx PROFILING .\n",
        },
    [COMMAND_TRACE] =
        {
            .name = "trace",
            .summary = "run a guest and show what it asks of the host, like strace",
            .arguments = "[TARGET] [--call EXPR]... [-- ARG...]",
            .words = WORDS_FILE,
            .rest = "the guest's own",
            .about =
                "Run a guest as `hl-dev run` does, and print a line on stderr for each of its\n"
                "exits, like strace: time, place in the guest's source, host function or system\n"
                "call with its arguments and result, duration. The options without a text are\n"
                "those of `hl-dev run`.\n",
            .after = "Status: that of `hl-dev run`.\n",
            .manual = "Run a guest and show each of its exits, as\n"
                      ".Xr strace 1\n"
                      "does.\n"
                      "See\n"
                      ".Sx TRACING .\n",
        },
    [COMMAND_PS] =
        {
            .name = "ps",
            .summary = "list the running guests that gdb can attach to",
            .arguments = "",
            .about =
                "List your sandboxes that gdb can attach to, in whatever program they are: those\n"
                "of `hl-dev run --gdb` and `hl-dev debug`, of programs run with HL_GDB=auto in\n"
                "the environment, and of programs that call hl_sandbox_debug(). `hl-dev attach\n"
                "ID` starts gdb on one.\n",
            .manual = "List your sandboxes that a debugger can attach to, in whatever program they "
                      "are, with what each one\n"
                      "is doing and how many calls it has had.\n",
        },
    [COMMAND_ATTACH] =
        {
            .name = "attach",
            .summary = "start gdb on one of them",
            .arguments = "[ID] [-- GDB-ARG...]",
            .words = WORDS_SANDBOX,
            .rest = "gdb's own",
            .about =
                "Start gdb on a sandbox that `hl-dev ps` lists; without ID, on the only one there\n"
                "is. The guest stops while gdb looks at it and runs on when gdb detaches or "
                "ends.\n",
            .after = "GDB in the environment names another gdb.\n",
            .manual = "Start\n"
                      ".Xr gdb 1\n"
                      "on one of them.\n",
        },
    [COMMAND_INSPECT] =
        {
            .name = "inspect",
            .summary = "show a guest's functions, segments and memory map",
            .arguments = "[TARGET]",
            .words = WORDS_FILE,
            .about =
                "Show a guest's functions, imports, segments and memory map. A project is built\n"
                "first. The sizes are those of `hl-dev run`: what the memory map would be.\n",
            .manual =
                "Show a guest's functions, imports, segments, and the memory map it would have.\n"
                "This needs no KVM.\n",
        },
    [COMMAND_CORE] =
        {
            .name = "core",
            .summary = "show what is in a guest's core file",
            .arguments = "FILE [GUEST]",
            .words = WORDS_FILE,
            .about =
                "Show what a guest died of, its backtrace and its registers, from the core file\n"
                "that `hl-dev run --core FILE` or hl_sandbox_core() wrote. GUEST is the guest's\n"
                "file, if it is no longer where it was. What the core file itself names is opened\n"
                "only if it is a regular file of yours or root's that others cannot write to.\n",
            .manual =
                "Show what a guest died of, its backtrace and its registers, from a core file "
                "that\n"
                ".Nm\n"
                ".Cm run Fl -core\n"
                "wrote; with\n"
                ".Fl -verbose\n"
                "the memory in it, too.\n"
                ".Ar guest\n"
                "is the guest's file, if it is no longer where it was.\n"
                "What the core file itself names is opened only if it is a regular file of yours "
                "or root's that\n"
                "others cannot write to.\n"
                "A core file may be a stranger's: at most 1,048,576 program headers are read and "
                "64 MiB of notes,\n"
                "which takes up to 100 MiB of memory and a second.\n"
                "A file with another build ID, or with other code where it has none, is refused.\n"
                "Of a deep stack the innermost and the outermost frames are shown.\n"
                "The JSON document has\n"
                ".Ql signal ,\n"
                ".Ql frames ,\n"
                ".Ql registers\n"
                "and\n"
                ".Ql memory ,\n"
                "of which the first 65,536 ranges\n"
                ".Po\n"
                ".Ql memory_omitted\n"
                "says how many more there are\n"
                ".Pc .\n"
                "A frame has its\n"
                ".Ql number ;\n"
                ".Ql again\n"
                "is how often it comes again, one after the other.\n"
                "This needs no KVM.\n",
        },
    [COMMAND_DOCTOR] =
        {
            .name = "doctor",
            .summary = "show what this machine supports",
            .arguments = "",
            .about =
                "Show what this machine supports: KVM, what it does with tiny guests, and the\n"
                "tools a guest author needs; for what is missing, what to do about it. Status 0\n"
                "when guests run here, 100 when not.\n",
            .manual = "Show what this machine offers: KVM, what it does with tiny guests, and the "
                      "tools that an author\n"
                      "needs.\n"
                      "A line starts with\n"
                      ".Ql ok ,\n"
                      ".Ql miss\n"
                      "(a tool that is not installed) or\n"
                      ".Ql FAIL .\n",
        },
    [COMMAND_COMPLETION] =
        {
            .name = "completion",
            .summary = "print a completion script for bash or zsh",
            .arguments = "bash|zsh",
            .words = WORDS_SHELL,
            .about = "Print a completion script: source <(hl-dev completion bash)\n",
            .manual = "Print a completion script for a shell, to be read by it:\n"
                      ".Ql source <(hl-dev completion bash) .\n",
        },
    [COMMAND_HELP] =
        {
            .name = "help",
            .summary = "show this, or the help of a command",
            .arguments = "[COMMAND]",
            .words = WORDS_COMMAND,
            .manual = "List the commands, or describe one, as\n"
                      ".Nm\n"
                      ".Ar command\n"
                      ".Fl -help\n"
                      "does.\n",
        },
    [COMMAND_VERSION] =
        {
            .name = "version",
            .summary = "print the version",
            .arguments = "",
        },
};
