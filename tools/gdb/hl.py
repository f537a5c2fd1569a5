# SPDX-License-Identifier: Apache-2.0
"""Helpers for GDB on a micro-VM guest: the command `hl`, printers for the values of the guest ABI,
and backtraces through code without unwind information, such as Debian's musl.

A project's gdbinit loads this; by hand: source PREFIX/share/hl/gdb/hl.py.  `help hl` lists the
commands.  The backtraces are in hl_unwind.py beside it.  Needs GDB 12 or later with Python 3.
"""

import importlib.util
import os
import sys

import gdb
import gdb.printing
import gdb.unwinder

# ---- Values of the guest ABI (hl/abi.h, hl/guest.h) ----------------------------------------------

TYPES = ["void", "i32", "u32", "i64", "u64", "f32", "f64", "bool", "string", "bytes"]
VOID, I32, U32, I64, U64, F32, F64, BOOL, STRING, BYTES = range(10)
KINDS = ["NONE", "CALL", "MAIN", "RESULT", "ERROR", "READY", "LOG", "ABORT"]
CALL, RESULT, ERROR, LOG, ABORT = 1, 3, 4, 6, 7
LEVELS = ["level 0", "error", "warn", "info", "debug"]
MAX_ARGS = 16
MAX_NAME = 88
BOOT_MAGIC = 0x544F4F42


def shown_bytes():
    """How much of a string or a byte array is printed: `set print elements`, within reason."""
    limit = gdb.parameter("print elements")
    return min(int(limit), 4096) if limit else 4096


def read_memory(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def quoted(data):
    escapes = dict(zip('"\\\a\b\f\n\r\t\v', ("\\" + c for c in '"\\abfnrtv')))
    out = ""
    for c in data.decode("utf-8", "surrogateescape"):
        raw = c.encode("utf-8", "surrogateescape")
        out += escapes.get(c, c if c.isprintable() else "".join("\\%03o" % b for b in raw))
    return '"%s"' % out


def payload_text(kind, address, size):
    """`string "abc"`, `bytes[3] 01 02 03`; what cannot be read is named in the text, not raised."""
    name = "string " if kind == STRING else "bytes[%d] " % size
    shown = min(size, shown_bytes())
    more = "..." if shown < size else ""
    if size == 0:
        return 'string ""' if kind == STRING else "bytes[0]"
    try:
        data = read_memory(address, shown)
    except (gdb.error, OverflowError, ValueError):
        return "%s<%d bytes at 0x%x: not readable>" % (name, size, address)
    if kind == STRING:
        return name + quoted(data) + more
    return name + data.hex(" ") + (" " + more if more else "")


def reinterpreted(bits, size, type_name):
    order = "little"
    data = (bits & ((1 << 8 * size) - 1)).to_bytes(size, order)
    return gdb.Value(data, gdb.lookup_type(type_name)).format_string()


def signed(bits, width):
    bits &= (1 << width) - 1
    return bits - (1 << width) if bits >> (width - 1) else bits


def slot_text(slot):
    kind, bits, size = int(slot["type"]), int(slot["bits"]), int(slot["len"])
    if kind >= len(TYPES):
        return "<type %d: no value>" % kind
    if kind in (STRING, BYTES):
        return payload_text(kind, bits, size)
    if kind == VOID:
        return "void"
    if kind in (I32, U32, F32) and bits >> 32 or kind == BOOL and bits > 1:
        return "%s <damaged: 0x%x>" % (TYPES[kind], bits)
    value = {
        I32: lambda: str(signed(bits, 32)),
        U32: lambda: str(bits),
        I64: lambda: str(signed(bits, 64)),
        U64: lambda: str(bits),
        F32: lambda: reinterpreted(bits, 4, "float"),
        F64: lambda: reinterpreted(bits, 8, "double"),
        BOOL: lambda: "true" if bits else "false",
    }[kind]()
    return "%s %s" % (TYPES[kind], value)


def type_name(number):
    return TYPES[number] if number < len(TYPES) else "<type %d>" % number


def char_array(value, limit):
    data = bytes(int(value[i]) & 0xFF for i in range(limit))
    return data.split(b"\0")[0].decode("ascii", "backslashreplace")


def desc_text(desc):
    count = int(desc["count"])
    types = ", ".join(type_name(int(desc["args"][i])) for i in range(min(count, MAX_ARGS)))
    name = char_array(desc["name"], MAX_NAME)
    extra = ", <%d more?>" % (count - MAX_ARGS) if count > MAX_ARGS else ""
    return "%s(%s%s) -> %s" % (name, types, extra, type_name(int(desc["result"])))


def table_entry(table, index):
    """Number `index` of hl_functions or hl_imports: its name, or None."""
    try:
        start = gdb.parse_and_eval("(unsigned long)&__start_" + table)
        stop = gdb.parse_and_eval("(unsigned long)&__stop_" + table)
        at = int(start) + 128 * index
        if at + 128 > int(stop):
            return None
        return read_memory(at + 40, MAX_NAME).split(b"\0")[0].decode("ascii", "backslashreplace")
    except gdb.error:
        return None


def is_output(message):
    """Does the message lie in the output buffer, so that an index is an import's?"""
    try:
        return int(message.address) == int(gdb.parse_and_eval("hl_state.output"))
    except (gdb.error, TypeError):
        return False


def message_text(message):
    kind, count = int(message["kind"]), int(message["count"])
    index, code = int(message["index"]), int(message["code"])
    if kind >= len(KINDS):
        return "<message of kind %d>" % kind
    slots = [slot_text(message["slot"][i]) for i in range(min(count, MAX_ARGS))]
    if count > MAX_ARGS:
        slots.append("<%d more?>" % (count - MAX_ARGS))
    if kind == CALL:
        name = table_entry("hl_imports" if is_output(message) else "hl_functions", index)
        return "CALL %s(%s)" % (name or "number %d" % index, ", ".join(slots))
    if kind == RESULT:
        return "RESULT %s" % ", ".join(slots)
    if kind in (ERROR, ABORT):
        return "%s %d %s" % (KINDS[kind], code, ", ".join(slots))
    if kind == LOG:
        level = LEVELS[code] if 0 < code < len(LEVELS) else "level %d" % code
        return "LOG %s %s" % (level, ", ".join(slots))
    return KINDS[kind]


def boot_text(boot):
    if int(boot["magic"]) != BOOT_MAGIC:
        return "<no boot block: magic 0x%x>" % int(boot["magic"])
    parts = [
        "%s 0x%x+%d" % (name, int(boot[name]), int(boot[name + "_size"]))
        for name in ("input", "output", "heap", "stack")
    ]
    return "boot block, ABI %d, %s, bias 0x%x" % (
        int(boot["version"]),
        ", ".join(parts),
        int(boot["load_bias"]),
    )


def bytes_text(value):
    return payload_text(BYTES, int(value["data"]), int(value["len"]))


class Printer:
    """A line of text; whatever stands in memory, printing it does not fail."""

    def __init__(self, value, text):
        self.value = value
        self.text = text

    def to_string(self):
        try:
            return self.text(self.value)
        except Exception as problem:  # a damaged value, memory that is not there
            return "<not readable: %s>" % problem


def printers():
    collection = gdb.printing.RegexpCollectionPrettyPrinter("hl")
    for name, text in (
        ("hl_slot", slot_text),
        ("hl_bytes", bytes_text),
        ("hl_message", message_text),
        ("hl_desc", desc_text),
        ("hl_boot", boot_text),
    ):
        # A default argument: each printer keeps its own.
        collection.add_printer(name, "^%s$" % name, lambda v, text=text: Printer(v, text))
    return collection


# ---- The command `hl` ----------------------------------------------------------------------------


def connection_type():
    connection = gdb.selected_inferior().connection
    return connection.type if connection is not None and connection.is_valid() else None


def monitor(command):
    """A monitor command of the guest's host; its own words where it refuses."""
    if connection_type() not in ("remote", "extended-remote"):
        raise gdb.GdbError("no guest is connected: target remote ...")
    try:
        gdb.execute("monitor " + command)
    except gdb.error as problem:
        # The reason has been printed; GDB's own words for it are "Protocol error with Rcmd".
        raise gdb.GdbError("monitor %s failed" % command.split()[0]) from problem


class Hl(gdb.Command):
    """Commands for micro-VM guests.  `help hl NAME` says more of one."""

    COMMANDS = {}

    def __init__(self):
        super().__init__("hl", gdb.COMMAND_STATUS, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        if argument.strip():
            raise gdb.GdbError("there is no `hl %s`: %s" % (argument, ", ".join(self.COMMANDS)))
        for name, command in self.COMMANDS.items():
            print("hl %-8s %s" % (name, command.__doc__.splitlines()[0]))


class HlCommand(gdb.Command):
    def __init__(self, name):
        super().__init__("hl " + name, gdb.COMMAND_STATUS, gdb.COMPLETE_NONE)
        Hl.COMMANDS[name] = self
        self.name = name

    def invoke(self, argument, from_tty):
        if argument.strip():
            raise gdb.GdbError("`hl %s` takes no argument" % self.name)
        monitor(self.name)


class HlMaps(HlCommand):
    """The guest's address space: what is mapped, how, and what is kept unmapped.

    Guard pages lie between the regions; of the heap only what the guest's libc has asked for is
    mapped.  Runs `monitor maps`."""


class HlExits(HlCommand):
    """How often the guest came out to its host, by reason.

    Host calls are counted by function, system calls by name.  Runs `monitor exits`."""


class HlCalls(HlCommand):
    """The guest's functions, its host functions, and the call in progress with its arguments.

    In a host function, or in front of one (`monitor catch host`), that call is shown too.  Runs
    `monitor calls`; in a core file, shows the messages of the last call instead."""

    def invoke(self, argument, from_tty):
        if argument.strip() or connection_type() != "core":
            super().invoke(argument, from_tty)
            return
        for what, name in (
            ("last call of the guest:  ", "hl_state.input->call"),
            ("last message to the host:", "hl_state.output->message"),
            ("last answer of the host: ", "hl_state.input->reply"),
        ):
            print(what, Printer(gdb.parse_and_eval(name), message_text).to_string())


class HlFault(HlCommand):
    """The exception that stopped the guest: vector, error code and address, in words.

    Runs `monitor fault`."""


# ---- All of it -----------------------------------------------------------------------------------


def beside(name):
    """The module NAME.py of this file's folder; of no other toolkit, and nothing is written there."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), name + ".py")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    finally:
        sys.dont_write_bytecode = keep
    return module


Hl()
for _name, _class in (
    ("maps", HlMaps),
    ("exits", HlExits),
    ("calls", HlCalls),
    ("fault", HlFault),
):
    _class(_name)
gdb.printing.register_pretty_printer(None, printers(), replace=True)
gdb.unwinder.register_unwinder(None, beside("hl_unwind").Unwinder(), replace=True)
