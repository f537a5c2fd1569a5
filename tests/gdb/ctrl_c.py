# SPDX-License-Identifier: Apache-2.0
"""ctrl_c.py - Ctrl-C for a GDB in batch mode, once it has resumed its target and rests.

With HL_TEST_ENTERED, a FIFO, not before that was opened by another process and closed again.  GDB 13
dies of a signal that comes while it is in Python, which it is whenever it resumes its target.
"""
import os
import re
import signal
import threading
import time

import gdb

POLLS = {"7", "23", "270", "271"}  # poll, select, pselect6, ppoll
MAIN = "/proc/self/task/%d/" % os.getpid()
resumed = threading.Event()


def state():
    """GDB's system call, and how often it has slept."""
    switches = re.search(r"^voluntary_ctxt_switches:\s*(\d+)", open(MAIN + "status").read(), re.M)
    return open(MAIN + "syscall").read().split()[0], switches.group(1)


def interrupt():
    resumed.wait()
    if "HL_TEST_ENTERED" in globals():
        open(HL_TEST_ENTERED).close()
    last = None
    while (now := state()) != last or now[0] not in POLLS:
        last = now
        time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)


gdb.events.cont.connect(lambda _: resumed.set())
threading.Thread(target=interrupt, daemon=True).start()
