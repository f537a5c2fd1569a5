/* SPDX-License-Identifier: Apache-2.0 */
#include "option_table.h"

#define SET(command) (1u << COMMAND_##command)
#define RUNS (SET(RUN) | SET(DEBUG) | SET(TRACE) | SET(PROFILE))
#define SISTERS (RUNS & ~SET(RUN))
#define ALL (RUNS | SET(PS) | SET(ATTACH) | SET(INSPECT) | SET(CORE) | SET(DOCTOR))

#define TRACE_CLASSES "host syscall fault log result abort interrupt io mmio all"

/*
 * In the order of help and manual.  The first command of a set is the one in whose section of the
 * manual the option is described.
 */
const struct option_row option_table[] = {
    {OPTION_CALL,
     RUNS,
     SISTERS,
     {"call", 0, required_argument, "EXPR",
      .help = "call a function: Name(1, 2.5, true, \"text\", x\"00ff\", @FILE)",
      .manual = "Call a function; see\n"
                ".Sx CALL EXPRESSIONS .\n"
                "May be repeated.\n"
                "Replaces the calls of\n"
                ".Pa hl.ini .\n"}},
    {OPTION_HOST,
     RUNS,
     SISTERS,
     {"host", 0, required_argument, "FILE", COMPLETE_FILE,
      .help = "shared object with host functions (default: that of hl.ini)",
      .manual = "A shared object with host functions for the guest, instead of the one in\n"
                ".Pa hl.ini .\n"}},
    {OPTION_HEAP,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"heap", 0, required_argument, "SIZE", .help = "heap, e.g. 256M (default 64M)",
      .manual = "Size of the heap, by default 64M.\n"}},
    {OPTION_STACK,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"stack", 0, required_argument, "SIZE", .help = "stack (default 1M)",
      .manual = "Size of the stack, by default 1M.\n"}},
    {OPTION_INPUT,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"input", 0, required_argument, "SIZE",
      .help = "room for one call's arguments (default 1M, or as needed)",
      .manual = "Memory for the arguments of one call and the results of host functions during it; "
                "by default 1M, or\n"
                "as much as the calls need.\n"}},
    {OPTION_OUTPUT,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"output", 0, required_argument, "SIZE", .help = "scratch room for results (default 1M)",
      .manual = "Scratch memory for results, by default 1M.\n"}},
    {OPTION_IMAGE_MAX,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"image-max", 0, required_argument, "SIZE",
      .help = "memory that the guest's file may use (default 1G)",
      .manual = "Maximum size of the segments of the guest's file in memory, by default 1G.\n"
                "A larger file is refused before any memory is allocated.\n"}},
    {OPTION_TIMEOUT,
     RUNS,
     SISTERS,
     {"timeout", 0, required_argument, "SECONDS",
      .help = "end the guest after that time; status 124",
      .manual = "End the whole run after that time, which may be a fraction; 0 means no limit.\n"
                "The clock stops while a debugger is attached, and while the guest waits for its "
                "first one.\n"
                "A host function that does not return gets two more seconds.\n"}},
    {OPTION_REPEAT,
     RUNS,
     SISTERS,
     {"repeat", 0, required_argument, "N", .help = "do all calls N times (main: in N sandboxes)",
      .manual = "Make all calls\n"
                ".Ar n\n"
                "times, in the same sandbox; or run\n"
                ".Fn main\n"
                "that many times, each in a new sandbox, until one ends with a status other than "
                "0.\n"}},
    {OPTION_RESTORE,
     RUNS & ~SET(DEBUG),
     SISTERS,
     {"restore", .help = "before each call, put the sandbox back to how it started",
      .manual = "Before each call, restore the sandbox to its state after start-up; with\n"
                ".Fl -repeat\n"
                "and\n"
                ".Fn main ,\n"
                "run it in one sandbox that is restored.\n"}},
    {OPTION_CORE,
     SET(RUN) | SET(PROFILE),
     SISTERS,
     {"core", 0, required_argument, "FILE", COMPLETE_FILE,
      .help = "write a core file when the guest crashes or its time is up",
      .manual =
          "When the guest crashes, or its time is up, write a core file that\n"
          ".Nm\n"
          ".Cm core\n"
          "and\n"
          ".Xr gdb 1\n"
          "read:\n"
          "the whole memory of the guest, and its registers.\n"
          "Only you can read it.\n"
          "An existing file is replaced when the new one is complete, and kept if the disk is "
          "full.\n"
          "A symbolic link is not followed, and nothing is written to a FIFO.\n"}},
    {OPTION_GDB,
     SET(RUN),
     0,
     {"gdb", 0, optional_argument, "ENDPOINT",
      .help = "wait for gdb at stdio, unix:PATH or tcp:[HOST:]PORT (default: a private socket); "
              "prints the command to type",
      .manual = "Wait for a debugger; see\n"
                ".Sx DEBUGGING .\n"}},
    {OPTION_STOP_AT,
     SET(RUN),
     0,
     {"stop-at", 0, required_argument, "WHERE", COMPLETE_SOME_WORD, "entry main none",
      .help = "with --gdb, where: entry, main, none or a function of the guest (default: main, or "
              "the first function called)",
      .manual = "With\n"
                ".Fl -gdb ,\n"
                "where the guest waits.\n"
                ".Ar where\n"
                "is\n"
                ".Cm entry ,\n"
                ".Cm main ,\n"
                ".Cm none ,\n"
                "or a function:\n"
                ".Ql f ,\n"
                ".Ql FILE:f ,\n"
                "and in C++ and Rust\n"
                ".Ql outer::f\n"
                "or\n"
                ".Ql outer::f(int) .\n"
                "If more than one function matches, they are listed.\n"}},
    {OPTION_STOP_AT,
     SET(DEBUG),
     0,
     {"stop-at", 0, required_argument, "WHERE", COMPLETE_SOME_WORD, "entry main none",
      .help = "entry (before constructors run), main, none, or a function"}},
    {OPTION_GDB,
     SET(DEBUG),
     0,
     {"gdb", 0, optional_argument, "ENDPOINT",
      .help = "serve gdb at unix:PATH or tcp:[HOST:]PORT (default: a private socket)"}},
    {OPTION_SAFE_OUTPUT,
     RUNS & ~SET(DEBUG),
     SISTERS,
     {"safe-output", .help = "escape control characters in the guest's output",
      .manual = "Escape what could control the terminal in the output of the guest: control "
                "characters except\n"
                "newline and tab, bytes that are not UTF-8, and characters that change the "
                "direction of text.\n"
                "Not with\n"
                ".Fl -gdb Ns = Ns Cm stdio ,\n"
                "where gdb prints the output.\n"
                "The output of\n"
                ".Nm\n"
                "itself is always escaped.\n"}},
    {OPTION_EVENTS,
     SET(TRACE),
     0,
     {"trace", 'e', required_argument, "LIST", COMPLETE_SOME_WORD, TRACE_CLASSES,
      .help = "show only these, or with a leading `!` all but these: host, syscall, fault, log, "
              "result, abort, interrupt, io, mmio, all, and host functions and system calls by "
              "name; may be repeated",
      .manual = "Show only what is in the list: the classes above,\n"
                ".Cm all ,\n"
                "host functions and system calls by name, separated by commas.\n"
                "A leading\n"
                ".Ql \\&!\n"
                "hides the whole list; before a later word, it hides that word only.\n"
                "May be repeated: the lists are read in order, as one.\n"
                "Events that are not listed are shown if the first word hides something, and "
                "hidden otherwise.\n"}},
    {OPTION_STACK_TRACE,
     SET(TRACE),
     0,
     {"stack-trace", 'k', .help = "print the guest's call stack below each line",
      .manual = "Print the guest's call stack below each line, innermost frame first.\n"}},
    {OPTION_FILE,
     SET(TRACE),
     0,
     {NULL, 'o', required_argument, "FILE", COMPLETE_FILE, .help = "write the trace to FILE",
      .manual = "Write the trace to a file.\n"}},
    {OPTION_STAMPS_DELTA,
     SET(TRACE),
     0,
     {"relative-timestamps", 'r', .help = "time since the previous line (default: since the start)",
      .manual = "Print the time since the previous line instead of the time since the start.\n"}},
    {OPTION_STRING_LIMIT,
     SET(TRACE),
     0,
     {"string-limit", 's', required_argument, "SIZE",
      .help = "bytes shown of a string (default 32)",
      .manual = "Number of bytes shown of a string, by default 32;\n"
                ".Ql \\&...\n"
                "marks a string that was cut.\n"}},
    {OPTION_STAMPS_CLOCK,
     SET(TRACE),
     0,
     {"absolute-timestamps", 't', .help = "time of day", .manual = "Print the time of day.\n"}},
    {OPTION_EXITS,
     SET(PROFILE),
     0,
     {"exits",
      .help =
          "each exit, with the guest's stack and the time spent on it outside the guest (default)",
      .manual = "Record each exit, with the guest's stack and the time that the host took to serve "
                "it; the default.\n"}},
    {OPTION_CPU,
     SET(PROFILE),
     0,
     {"cpu", .help = "sample what the guest and its host are doing",
      .manual = "Sample what the guest, its host functions and\n"
                ".Nm\n"
                "itself are doing.\n"}},
    {OPTION_RATE,
     SET(PROFILE),
     0,
     {"rate", 0, required_argument, "HZ", .help = "samples per second, 1 to 10000 (default 997)",
      .manual = "Samples per second, 1 to 10000, by default 997.\n"}},
    {OPTION_MEMORY,
     SET(PROFILE),
     0,
     {"memory", .help = "count the pages each call touches; slows the guest down",
      .manual = "Count the pages that each call reads and writes, which slows the guest down.\n"}},
    {OPTION_BY,
     SET(PROFILE),
     0,
     {"by", 0, required_argument, "WHAT", COMPLETE_WORD, "reason host function line",
      .help = "(default: line; with --cpu function)",
      .manual =
          "What each row of the table stands for; by default a line, for samples a function.\n"}},
    {OPTION_WEIGHT,
     SET(PROFILE),
     0,
     {"weight", 0, required_argument, "WHAT", COMPLETE_WORD, "count time",
      .manual = "What determines the order of rows and the width of frames.\n"}},
    {OPTION_FORMAT,
     SET(PROFILE),
     0,
     {"format", 0, required_argument, "FORMAT", COMPLETE_WORD,
      "table json folded svg callgrind speedscope", .help = "(default: table)",
      .manual = ".Cm json\n"
                "is described in\n"
                ".Pa docs/profile-format.md .\n"}},
    {OPTION_FILE,
     SET(PROFILE),
     0,
     {NULL, 'o', required_argument, "FILE", COMPLETE_FILE,
      .help = "write the profile to FILE; without -o, every format but table uses standard output, "
              "and the guest prints to standard error",
      .manual = "Write the profile to a file.\n"
                "Without it, every format but the table uses standard output: the output of the "
                "guest and the\n"
                "results go to standard error.\n"}},
    {OPTION_DIFF,
     SET(PROFILE),
     0,
     {"diff", 0, required_argument, "OLD.json", COMPLETE_FILE,
      .help = "compare with an earlier profile (table, json, svg)",
      .manual = "Compare with an earlier profile that was written by\n"
                ".Fl -format Cm json .\n"}},
    {OPTION_FROM,
     SET(PROFILE),
     0,
     {"from", 0, required_argument, "FILE.json", COMPLETE_FILE,
      .help = "show an earlier profile; do not run anything",
      .manual = "Show such a profile; do not run anything.\n"}},
    {OPTION_JSON,
     SET(RUN) | SET(INSPECT) | SET(CORE) | SET(PS) | SET(DOCTOR),
     SET(PS) | SET(DOCTOR),
     {"json", .help = "one JSON document on stdout instead of text",
      .manual = "Print one JSON document on standard output instead of text.\n"
                "It has\n"
                ".Ql calls ,\n"
                "a list of objects with\n"
                ".Ql call ,\n"
                ".Ql function ,\n"
                "and\n"
                ".Ql type ,\n"
                ".Ql value ,\n"
                ".Ql ms\n"
                "or\n"
                ".Ql error ,\n"
                ".Ql crash ;\n"
                ".Ql output ,\n"
                "what the guest wrote to standard output, and\n"
                ".Ql output_truncated\n"
                "if it was cut;\n"
                ".Ql exit_status\n"
                "of\n"
                ".Fn main ;\n"
                ".Ql error ,\n"
                "for a failure outside a call; and\n"
                ".Ql status .\n"
                "Bytes are hexadecimal digits; numbers that JSON cannot express, and a u64 above "
                "2^63-1, are strings.\n"}},
    {OPTION_JSON,
     SET(PROFILE),
     0,
     {"json", .help = "the same as --format json",
      .manual = "The same as\n"
                ".Fl -format Cm json .\n"}},
    {OPTION_JSON,
     SET(TRACE),
     0,
     {"json", .help = "one JSON object per line; on stdout, unless -o names a file",
      .manual = "Print one JSON object per line, on standard output.\n"
                "Output of the guest is an object of the class\n"
                ".Ql output ,\n"
                "and results are in objects of the class\n"
                ".Ql result .\n"
                "With\n"
                ".Fl o\n"
                "the objects are written to the file, and standard output is the same as without\n"
                ".Fl -json .\n"}},
    {OPTION_COLOR,
     ALL,
     ALL & ~SET(RUN),
     {"color", 0, required_argument, "WHEN", COMPLETE_WORD, "auto always never",
      .manual = "When to print in colours; by default on a terminal, unless\n"
                ".Ev NO_COLOR\n"
                "is set.\n"}},
    {OPTION_QUIET,
     RUNS & ~SET(TRACE),
     SISTERS,
     {"quiet", 'q', .help = "no result lines and no guest log, only the guest's output",
      .manual = "Print no result lines, no warnings about missing host functions, and no log of "
                "the guest.\n"}},
    {OPTION_QUIET,
     SET(TRACE),
     0,
     {"quiet", 'q', .help = "print no result lines and no guest log besides the trace"}},
    {OPTION_VERBOSE,
     RUNS,
     SISTERS,
     {"verbose", 'v', .help = "print times and counts, and make's commands, on stderr",
      .manual = "Print times, counts and the output of\n"
                ".Xr make 1\n"
                "on standard error, and registers in the report of a crash.\n"}},
    {OPTION_VERBOSE, SET(INSPECT), 0, {"verbose", 'v', .help = "show make's commands"}},
    {OPTION_VERBOSE, SET(CORE), 0, {"verbose", 'v', .help = "list the memory in the file, too"}},
    {OPTION_HELP,
     ALL | SET(COMPLETION),
     ALL | SET(COMPLETION),
     {"help", 'h', .manual = "Print the command's arguments and options.\n"}},
    {OPTION_VERSION,
     ALL | SET(COMPLETION),
     ALL | SET(COMPLETION),
     {"version", .manual = "Print the version.\n"}},
};

const size_t option_rows = sizeof(option_table) / sizeof(option_table[0]);

const struct option_row *option_find(enum option_id id, enum command command)
{
    for (size_t i = 0; i < option_rows; i++)
        if (option_table[i].id == id && option_table[i].commands & 1u << command)
            return &option_table[i];
    return NULL;
}

const struct option_spec *option_any(enum option_id id)
{
    size_t i = 0;
    while (option_table[i].id != id)
        i++;
    return &option_table[i].spec;
}
