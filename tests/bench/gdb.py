# SPDX-License-Identifier: Apache-2.0
"""gdb.py - our stub and gdbserver on one program, side by side: run inside GDB by gdb.sh.

Figures are medians of rounds in which every contestant has its turn, because these machines are
noisy.  What is compared are whole GDB commands; the rows "stub alone" are packets without GDB.
"""
import json
import os
import re
import socket
import statistics
import subprocess
import time

import gdb

PREFIX = os.environ["BENCH_PREFIX"]
WORK = os.environ["BENCH_WORK"]
GDBSERVER = os.environ.get("BENCH_GDBSERVER", "")
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SLOW = int(os.environ.get("BENCH_SLOW", "1"))

MIB = 1 << 20
DUMPS = 3 if SLOW == 1 else 1
POINTS = 1000
TARGET_HITS = 10000 // SLOW
HOST_HITS = max(400 // SLOW, 40)
TURNS = 10000                   # of two steps
STEPI = max(1000 // SLOW, 100)
PACKET_STEPS = max(2000 // SLOW, 200)
FLOOR_STEPS = 2 * TURNS
PATIENCE = 30 * SLOW


def clock(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


def run(command):
    return gdb.execute(command, to_string=True)


class Server:
    """A stub that listens, on its own copy of the program."""

    def __init__(self, contestant):
        self.process = subprocess.Popen(contestant.command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True)
        for line in self.process.stderr:
            port = re.search(r"Listening on port (\d+)", line)
            remote = re.search(r"target remote ([^']+)'", line)
            if port or remote:
                self.remote = "127.0.0.1:" + port[1] if port else remote[1]
                return
        raise gdb.GdbError(contestant.name + " did not start")

    def close(self):
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Contestant:
    def __init__(self, name, program, words):
        self.name, self.program, self.command = name, program, words + [program]

    def figures(self):
        return {**self.with_gdb(), **self.alone()}

    # ---- under GDB ----

    def with_gdb(self):
        server = Server(self)
        run("file " + self.program)
        try:
            run("target remote " + server.remote)
            run("tbreak mark")
            run("continue")
            return {name: measure(self) for name, measure in MEASURES.items()}
        finally:
            run("delete")
            run("kill")
            server.close()

    def dump(self):
        path = os.path.join(WORK, "dump")
        command = "dump binary memory %s &data[0] &data[0]+%d" % (path, 16 * MIB)
        took = statistics.median(clock(lambda: run(command)) for _ in range(DUMPS))
        if os.stat(path).st_size != 16 * MIB:
            raise gdb.GdbError("a dump of another size")
        os.unlink(path)
        return took * 1e3

    def points(self):
        for i in range(POINTS):
            gdb.Breakpoint("f%03d" % i)
        return self.to_mark() * 1e3

    def condition(self, where, hits):
        run("set breakpoint condition-evaluation " + where)
        gdb.Breakpoint("hit").condition = "n == 12345678"
        run("set var hits = %d" % hits)
        before = int(gdb.parse_and_eval("total"))
        took = self.to_mark()
        if int(gdb.parse_and_eval("total")) - before != hits * (hits - 1) // 2:
            raise gdb.GdbError("the loop did not run through")
        run("set var hits = 0")
        return took / hits * 1e6

    def to_mark(self):
        run("tbreak mark")
        took = clock(lambda: run("continue"))
        if gdb.selected_frame().name() != "mark":
            raise gdb.GdbError("it did not come to mark()")
        run("delete")
        return took

    def to_spin(self, turns):
        run("set var turns = %d" % turns)
        run("tbreak spin")
        run("continue")
        if gdb.selected_frame().name() != "spin":
            raise gdb.GdbError("it did not come to spin()")

    # One `next` over the line is one vCont;r; how many steps that were is known of the program.
    def range_step(self):
        self.to_spin(TURNS)
        took = clock(lambda: run("next"))
        if gdb.selected_frame().name() != "spin" or int(gdb.parse_and_eval("n")):
            raise gdb.GdbError("the line is not over")
        run("set var turns = 0")
        return 2 * TURNS / took

    def stepi(self):
        self.to_spin(STEPI)
        took = clock(lambda: run("stepi %d" % STEPI))
        turns = STEPI - int(gdb.parse_and_eval("$rcx"))
        if not STEPI // 2 - 2 <= turns <= STEPI // 2:
            raise gdb.GdbError("%d turns are not %d steps" % (turns, STEPI))
        run("set var turns = 0")
        return STEPI / took

    # ---- packets ----

    def alone(self):
        server = Server(self)
        client = Client(server.remote)
        address = ADDRESS[self.program]
        try:
            client.run_to(address["mark"])
            return {"alone_dump": client.dump(address["data"]) * 1e3,
                    "alone_points": client.points(address["f"]) * 1e3,
                    "alone_steps": client.steps()}
        finally:
            client.ask("vKill;" + client.process)
            client.socket.close()
            server.close()


class Client:
    """As much of the protocol as a measurement needs."""

    def __init__(self, remote):
        if remote.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(remote)
        else:
            host, port = remote.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(PATIENCE)
        supported = self.ask("qSupported:multiprocess+;swbreak+;vContSupported+")
        self.socket.sendall(b"+")
        self.size = int(re.search(r"PacketSize=([0-9a-f]+)", supported)[1], 16)
        self.ask("QStartNoAckMode")
        self.socket.sendall(b"+")
        stop = self.ask("?")
        self.thread, self.process = re.search(r"thread:(p([0-9a-f]+)\.[0-9a-f]+)", stop).groups()

    def run_to(self, address):
        self.ask("Z0,%x,1" % address)
        self.ask("vCont;c:" + self.thread)
        self.ask("z0,%x,1" % address)

    def ask(self, body):
        self.socket.sendall(b"$%s#%02x" % (body.encode(), sum(body.encode()) & 255))
        reply = b""
        while len(reply) < 4 or reply[-3:-2] != b"#":
            piece = self.socket.recv(1 << 18)
            if not piece:
                break
            reply += piece
        reply = reply.lstrip(b"+")[1:-3].decode("latin-1")
        if len(reply) > 4096:
            return reply        # its content is of no interest
        return re.sub(r"(.)\*(.)", lambda run: run[1] * (ord(run[2]) - 28), reply)

    def dump(self, address):
        def read():
            at, step = address, self.size // 2 - 16
            while at < address + 16 * MIB:
                size = min(step, address + 16 * MIB - at)
                self.ask("m%x,%x" % (at, size))
                at += size
        return clock(read)

    def points(self, addresses):
        def toggle():
            for z in "Zz":
                for at in addresses:
                    if self.ask("%s0,%x,1" % (z, at)) != "OK":
                        raise gdb.GdbError("no breakpoint at 0x%x" % at)
        return clock(toggle)

    def steps(self):
        def step():
            for _ in range(PACKET_STEPS):
                self.ask("vCont;s:" + self.thread)
        return PACKET_STEPS / clock(step)


MEASURES = {
    "dump": Contestant.dump,
    "points": Contestant.points,
    "condition_target": lambda c: c.condition("target", TARGET_HITS),
    "condition_host": lambda c: c.condition("host", HOST_HITS),
    "floor": lambda c: floor(),
    "range": Contestant.range_step,
    "stepi": Contestant.stepi,
}


def addresses(program):
    def value(what):
        return int(gdb.parse_and_eval("(unsigned long)" + what))

    run("file " + program)
    return {"data": value("&data[0]"), "mark": value("mark"),
            "f": [value("f%03d" % i) for i in range(POINTS)]}


def contestants():
    dev = [PREFIX + "/bin/hl-dev", "run", "-q", "--stop-at=entry"]
    guest, native = WORK + "/gdb-guest", WORK + "/gdb-native"
    found = [Contestant("ours, unix", guest, dev + ["--gdb=unix:%s/gdb.sock" % WORK]),
             Contestant("ours, TCP", guest, dev + ["--gdb=tcp:0"])]
    if GDBSERVER:
        found.append(Contestant("gdbserver, TCP", native, [GDBSERVER, "--once", "127.0.0.1:0"]))
    return found


def floor():
    return float(subprocess.run([PREFIX + "/tests/bench/gdb-floor", str(FLOOR_STEPS)], check=True,
                                stdout=subprocess.PIPE).stdout)


# ---- the table ----

# key, title, how to print, what it is held against (None: information)
ROWS = [
    ("dump", "dump 16 MiB, ms", "%.0f", "gdbserver"),
    ("points", "1,000 breakpoints in and out, ms", "%.0f", "gdbserver"),
    ("condition_target", "false condition, in the target, us", "%.0f", None),
    ("condition_host", "false condition, by GDB, us", "%.0f", None),
    ("condition", "GDB's time / the target's", "%.1f", 10),
    ("range", "range step, steps/s", "%.0f", "floor"),
    ("stepi", "stepi N, steps/s", "%.0f", None),
    ("alone_dump", "stub alone: m 16 MiB, ms", "%.0f", None),
    ("alone_points", "stub alone: 1,000 Z0 and z0, ms", "%.1f", None),
    ("alone_steps", "stub alone: vCont;s, steps/s", "%.0f", None),
]
FLOOR_SHARE = 0.8
NOISE = 1.02                    # "no slower", as far as a median shows


def middle(rounds, name, key):
    return statistics.median(r[name][key] for r in rounds)


def judge(target, ours, theirs):
    """ratio, target, verdict; the ratio is ours / theirs, our share of the floor, or the figure."""
    if target == "floor":
        return theirs, "at least %.1f" % FLOOR_SHARE, theirs >= FLOOR_SHARE
    if isinstance(target, int):
        return ours, "at least %d" % target, ours >= target
    if theirs is None:
        return None, "", None
    ratio = ours / theirs
    return ratio, "no slower" if target else "", ratio <= NOISE if target else None


def report(rounds, names, table):
    figures = []
    line = "%-36s " + "%16s " * len(names) + "%8s %13s  %s\n"
    table.write(line % ("median of %d rounds" % len(rounds), *names, "ratio", "target", ""))
    for key, title, form, target in ROWS:
        by = {n: middle(rounds, n, key) for n in names}
        theirs = by.get("gdbserver, TCP")
        if target == "floor":
            theirs = middle(rounds, "ours, unix", "share")
            title += " (floor %.0f)" % middle(rounds, "ours, unix", "floor")
        ratio, want, good = judge(target, by["ours, unix"], theirs)
        table.write(line % (title, *(form % by[n] for n in names),
                            "" if ratio is None else "%.2f" % ratio, want,
                            {True: "met", False: "MISSED", None: ""}[good]))
        figures.append({"name": key, "title": title, "median": by, "ratio": ratio,
                        "target": want, "met": good})
    with open(os.path.join(WORK, "gdb.json"), "w") as f:
        json.dump({"date": time.strftime("%Y-%m-%d"), "machine": " ".join(os.uname()[2:]),
                   "load": os.getloadavg(), "slow": SLOW, "figures": figures, "rounds": rounds},
                  f, indent=1)
        f.write("\n")


def one_round(them):
    found = {c.name: c.figures() for c in them}
    for f in found.values():
        f["condition"] = f["condition_host"] / f["condition_target"]
        f["share"] = f["range"] / f["floor"]
    return found


for setting in ("pagination off", "confirm off", "width 0", "debuginfod enabled off",
                "sysroot /", "breakpoint pending off", "remotetimeout %d" % PATIENCE):
    run("set " + setting)
them = contestants()
ADDRESS = {c.program: addresses(c.program) for c in them}
rounds = []
for i in range(ROUNDS):
    turn = i % len(them)
    rounds.append(one_round(them[turn:] + them[:turn]))
with open(os.path.join(WORK, "gdb.txt"), "w") as table: # GDB prints much else
    report(rounds, [c.name for c in them], table)
