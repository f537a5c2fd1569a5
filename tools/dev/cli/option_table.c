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
                "May be repeated, and replaces the calls of\n"
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
      .manual = "Room for the arguments of one call and for what host functions return meanwhile; "
                "by default 1M, or\n"
                "what the calls need.\n"}},
    {OPTION_OUTPUT,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"output", 0, required_argument, "SIZE", .help = "scratch room for results (default 1M)",
      .manual = "Scratch memory for results, by default 1M.\n"}},
    {OPTION_IMAGE_MAX,
     RUNS | SET(INSPECT),
     SISTERS | SET(INSPECT),
     {"image-max", 0, required_argument, "SIZE",
      .help = "memory that the guest's file may ask for (default 1G)",
      .manual = "Memory that the segments of the guest's file may ask for, by default 1G.\n"
                "A file that asks for more is refused before any is taken.\n"}},
    {OPTION_TIMEOUT,
     RUNS,
     SISTERS,
     {"timeout", 0, required_argument, "SECONDS",
      .help = "end the guest after that time; status 124",
      .manual = "Give the whole run up after that time, which may be a fraction; 0 is no limit.\n"
                "The clock stands still while a debugger is attached, and while the guest waits "
                "for its first one.\n"
                "A host function that does not return is waited for two seconds longer.\n"}},
    {OPTION_REPEAT,
     RUNS,
     SISTERS,
     {"repeat", 0, required_argument, "N", .help = "do all calls N times (main: in N sandboxes)",
      .manual = "Make all calls\n"
                ".Ar n\n"
                "times, in the same sandbox; or run\n"
                ".Fn main\n"
                "that many times, each in a sandbox of its own, until one gives another status "
                "than 0.\n"}},
    {OPTION_RESTORE,
     RUNS & ~SET(DEBUG),
     SISTERS,
     {"restore", .help = "before each call, put the sandbox back to how it started",
      .manual = "Before each call put the sandbox back to how it was when it had started; with\n"
                ".Fl -repeat\n"
                "and\n"
                ".Fn main ,\n"
                "run it in one sandbox that is put back.\n"}},
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
          "all memory of the guest, and its registers.\n"
          "It is for you alone, and takes the place of a file that was there once it is written:\n"
          "a full disk leaves the old one.\n"
          "A symbolic link is not followed and a fifo gets nothing.\n"}},
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
                "Where that can be more than one, they are listed.\n"}},
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
     {"safe-output", .help = "escape what a terminal would obey in the guest's output",
      .manual = "Escape in what the guest itself prints what a terminal would obey: control "
                "characters but\n"
                "newline and tab, bytes that are not UTF-8, and characters that change the "
                "direction of text.\n"
                "Not with\n"
                ".Fl -gdb Ns = Ns Cm stdio ,\n"
                "where gdb prints it.\n"
                "What\n"
                ".Nm\n"
                "prints itself is always escaped.\n"}},
    {OPTION_EVENTS,
     SET(TRACE),
     0,
     {"trace", 'e', required_argument, "LIST", COMPLETE_SOME_WORD, TRACE_CLASSES,
      .help = "show only these, or with `!` before them all but these: host, syscall, fault, log, "
              "result, abort, interrupt, io, mmio, all, and host functions and system calls by "
              "name; may be repeated",
      .manual = "Show only what is in the list: classes as above,\n"
                ".Cm all ,\n"
                "host functions and system calls by name, with commas between.\n"
                "After\n"
                ".Ql \\&!\n"
                "stands what is not shown: in front of the list it is for all of it, in front of a "
                "later word for that\n"
                "one.\n"
                "May be repeated: the lists are read in order, as one.\n"
                "The first word decides whether what no word names is shown.\n"}},
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
     {"relative-timestamps", 'r', .help = "time since the line before (default: since the start)",
      .manual = "The time is since the line before, not since the start.\n"}},
    {OPTION_STRING_LIMIT,
     SET(TRACE),
     0,
     {"string-limit", 's', required_argument, "SIZE",
      .help = "bytes of strings that are shown (default 32)",
      .manual = "How many bytes of a string are shown, by default 32;\n"
                ".Ql \\&...\n"
                "follows one that was cut.\n"}},
    {OPTION_STAMPS_CLOCK,
     SET(TRACE),
     0,
     {"absolute-timestamps", 't', .help = "time of day",
      .manual = "The time is the time of day.\n"}},
    {OPTION_EXITS,
     SET(PROFILE),
     0,
     {"exits",
      .help =
          "each exit, with the guest's stack and the time spent on it outside the guest (default)",
      .manual = "Look at each exit, with the guest's stack and the time that the host took to "
                "serve it; the default.\n"}},
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
     {"rate", 0, required_argument, "HZ", .help = "samples a second, 1 to 10000 (default 997)",
      .manual = "Samples a second, 1 to 10000, by default 997.\n"}},
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
      .manual = "What a row of the table is; by default a line, of samples a function.\n"}},
    {OPTION_WEIGHT,
     SET(PROFILE),
     0,
     {"weight", 0, required_argument, "WHAT", COMPLETE_WORD, "count time",
      .manual = "What is sorted by, and how wide a frame is.\n"}},
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
      .help = "write there; without it all but the table takes standard output for itself, and the "
              "guest prints to standard error",
      .manual = "Write there.\n"
                "Without it all formats but the table have standard output for themselves: what "
                "the guest prints, and\n"
                "results, go to standard error.\n"}},
    {OPTION_DIFF,
     SET(PROFILE),
     0,
     {"diff", 0, required_argument, "OLD.json", COMPLETE_FILE,
      .help = "compare with an earlier profile (table, json, svg)",
      .manual = "Compare with a profile that was written by\n"
                ".Fl -format Cm json .\n"}},
    {OPTION_FROM,
     SET(PROFILE),
     0,
     {"from", 0, required_argument, "FILE.json", COMPLETE_FILE,
      .help = "no run: show a profile that was written earlier",
      .manual = "Run nothing; show such a profile.\n"}},
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
                "if that is not all of it;\n"
                ".Ql exit_status\n"
                "of\n"
                ".Fn main ;\n"
                ".Ql error ,\n"
                "of what failed outside a call; and\n"
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
     {"json", .help = "a JSON object a line; on stdout, unless -o names a file",
      .manual = "One JSON object a line, on standard output.\n"
                "What the guest writes there is an object of the class\n"
                ".Ql output ,\n"
                "and results are in objects of the class\n"
                ".Ql result .\n"
                "With\n"
                ".Fl o\n"
                "the objects are in the file, and standard output is as without\n"
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
                "on standard error, and the registers in the report of a crash.\n"}},
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
