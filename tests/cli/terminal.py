#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py SECONDS COMMAND: run a shell command on a terminal and talk to it.

Lines of standard input: `expect REGEX` (in what came since the last match), `send TEXT` (a line),
`key HEX` (one byte), `until COMMAND` (a shell command that comes to succeed).  What the terminal shows goes to standard output.  Status 1
when something did not come in time, with its line on standard error.
"""
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\r")


class Terminal:
    def __init__(self, command):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = "xterm"
            os.execlp("bash", "bash", "--norc", "-c", command)
        self.new = ""

    def read(self, seconds):
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        text = ESCAPES.sub("", data.decode("utf-8", "replace"))
        self.new += text
        sys.stdout.write(text)
        return bool(data)

    def expect(self, pattern, until):
        while True:
            found = re.search(pattern, self.new)
            if found:
                self.new = self.new[found.end():]
                return True
            if time.time() > until or not self.read(0.2):
                return bool(re.search(pattern, self.new))

    def until(self, command, until):
        while subprocess.call(command, shell=True) != 0:
            if time.time() > until or not self.read(0.05):
                return False
        return True

    def wait(self, until):
        while time.time() < until and self.read(0.05):
            pass


def main():
    limit = float(sys.argv[1])
    terminal = Terminal(sys.argv[2])
    status = 0
    for line in sys.stdin.read().splitlines():
        what, _, text = line.partition(" ")
        if what == "send":
            os.write(terminal.fd, text.encode() + b"\n")
        elif what == "key":
            os.write(terminal.fd, bytes.fromhex(text))
        elif not (terminal.until if what == "until" else terminal.expect)(text, time.time() + limit):
            print("did not come: " + text, file=sys.stderr)
            status = 1
            break
    terminal.wait(time.time() + (2 if not status else 0))
    os.close(terminal.fd)  # processes that are left get a SIGHUP
    if not select.select([os.pidfd_open(terminal.pid)], [], [], limit)[0]:
        os.kill(terminal.pid, signal.SIGKILL)
        status = 1
    os.waitpid(terminal.pid, 0)
    sys.exit(status)


main()
