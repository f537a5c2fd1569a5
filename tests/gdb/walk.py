# SPDX-License-Identifier: Apache-2.0
"""Step through Library() of guests/faults.c, at most $steps instructions, and see at each one in
code without line information that the backtrace leads back to it, with its registers."""

import gdb

SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15", "rsp")


def registers(frame):
    return [int(frame.read_register(name)) for name in SAVED]


def find(frame, name):
    while frame is not None and frame.name() != name:
        frame = frame.older()
    return frame


def walk(limit):
    walked, lost, functions = 0, 0, set()
    wanted = registers(gdb.newest_frame())
    for _ in range(limit):
        gdb.execute("stepi", to_string=True)
        frame = gdb.newest_frame()
        name = frame.name()
        if name == "Library":
            wanted = registers(frame)
        elif find(frame, "hl_thunk_Library") is frame or name.startswith("hl_detail"):
            break
        elif frame.find_sal().symtab is None:
            functions.add(name)
            walked += 1
            caller = find(frame, "Library")
            if caller is None or registers(caller) != wanted:
                lost += 1
                print("lost at 0x%x in %s" % (frame.pc(), name))
    print("walked %d instructions of %d functions, lost %d" % (walked, len(functions), lost))


walk(int(gdb.convenience_variable("steps")))
