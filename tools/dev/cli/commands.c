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
                "again. The guest ends with gdb, unless gdb detached from it: then it runs on.\n",
            .after =
                "GDB in the environment names another gdb. For a main() with arguments:\n"
                "hl-dev run --gdb TARGET -- ARG...\n"
                "\n"
                "Status: gdb's own, even if the guest failed or was killed under gdb; that of\n"
                "`hl-dev run` if the guest ended without gdb, because gdb detached, disconnected\n"
                "or could not be started.\n",
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
                "Ctrl-C ends the run and shows the profile so far; status 130. The JSON format is\n"
                "described in docs/profile-format.md. With HL_PROFILE=FILE in the environment,\n"
                "any program that uses libhl writes a profile.\n"
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
                "List your sandboxes that gdb can attach to, in all programs: those of\n"
                "`hl-dev run --gdb` and `hl-dev debug`, of programs run with HL_GDB=auto in the\n"
                "environment, and of programs that call hl_sandbox_debug(). `hl-dev attach ID`\n"
                "starts gdb on one.\n",
            .manual =
                "List your sandboxes that a debugger can attach to, in all programs, with the "
                "state of each one\n"
                "and the number of its calls.\n",
        },
    [COMMAND_ATTACH] =
        {
            .name = "attach",
            .summary = "start gdb on one of them",
            .arguments = "[ID] [-- GDB-ARG...]",
            .words = WORDS_SANDBOX,
            .rest = "gdb's own",
            .about =
                "Start gdb on a sandbox that `hl-dev ps` lists. ID can be left out if only one is\n"
                "listed. The guest stops when gdb attaches and runs on when gdb detaches or "
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
                "first. The sizes are those of `hl-dev run`; the memory map depends on them.\n",
            .manual =
                "Show a guest's functions, imports and segments, and its memory map when it runs.\n"
                "This needs no KVM.\n",
        },
    [COMMAND_CORE] =
        {
            .name = "core",
            .summary = "show what is in a guest's core file",
            .arguments = "FILE [GUEST]",
            .words = WORDS_FILE,
            .about =
                "Show why a guest died, its backtrace and its registers, from the core file that\n"
                "`hl-dev run --core FILE` or hl_sandbox_core() wrote. GUEST is the guest's file,\n"
                "if it has moved. The file named in the core file is opened only if it is a\n"
                "regular file that belongs to you or root and that others cannot write to.\n",
            .manual =
                "Show why a guest died, its backtrace and its registers, from a core file "
                "that\n"
                ".Nm\n"
                ".Cm run Fl -core\n"
                "wrote; with\n"
                ".Fl -verbose\n"
                "also the memory in it.\n"
                ".Ar guest\n"
                "is the guest's file, if it has moved.\n"
                "The file named in the core file is opened only if it is a regular file that "
                "belongs to you or root\n"
                "and that others cannot write to.\n"
                "A core file need not be trusted: at most 1,048,576 program headers and 64 MiB of "
                "notes are read,\n"
                "which takes up to 100 MiB of memory and a second.\n"
                "A guest file with another build ID is refused; without a build ID, one with other "
                "code.\n"
                "For a deep stack, the innermost and the outermost frames are shown.\n"
                "The JSON document has\n"
                ".Ql signal ,\n"
                ".Ql frames ,\n"
                ".Ql registers\n"
                "and\n"
                ".Ql memory ,\n"
                "at most 65,536 ranges;\n"
                ".Ql memory_omitted\n"
                "is the number of further ranges.\n"
                "A frame has its\n"
                ".Ql number ;\n"
                ".Ql again\n"
                "is the number of further repetitions directly after it.\n"
                "This needs no KVM.\n",
        },
    [COMMAND_DOCTOR] =
        {
            .name = "doctor",
            .summary = "show what this machine supports",
            .arguments = "",
            .about =
                "Show what this machine supports: KVM, tested by running small guests, and the\n"
                "tools that a guest author needs, with a remedy for what is missing. Status 0 if\n"
                "guests run here, 100 if not.\n",
            .manual =
                "Show what this machine supports: KVM, tested by running small guests, and the "
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
            .manual = "Print a completion script for a shell:\n"
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
