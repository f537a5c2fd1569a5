# SPDX-License-Identifier: Apache-2.0
"""Backtraces for GDB through code of a micro-VM guest that has no unwind information.

Debian's musl is built without .eh_frame, so GDB does not know where the caller of raise(), or of
a qsort() that called back, is to be found.  But such code moves its stack pointer only by
constants, and following every path through a function says how far it is from the return address
at each instruction, and which registers were saved where.

A frame is shown only if it is certain: the paths agree; the return address follows a call; and
that call names this function, or one that jumps to it, or goes through a pointer.  Else the
backtrace ends at address 0.  Code with line information has unwind information, too, and is left
to GDB.

hl.py loads this.
"""

import re

import gdb
import gdb.unwinder

SAVED = ("rbx", "rbp", "r12", "r13", "r14", "r15")
FAMILY = {"rsp": "rsp", "esp": "rsp", "sp": "rsp", "spl": "rsp"}
for _r in SAVED[:2]:
    for _n in ("r" + _r[1:], "e" + _r[1:], _r[1:], _r[1:2] + "l" if _r == "rbx" else "bpl"):
        FAMILY[_n] = _r
FAMILY["bh"] = "rbx"
for _r in SAVED[2:]:
    for _n in ("", "d", "w", "b"):
        FAMILY[_r + _n] = _r

PREFIXES = ("notrack", "bnd", "rep", "repz", "repnz", "repe", "repne", "lock", "data16", "cs", "ds")
READERS = re.compile(r"(cmp(?!xchg)|test|push|call|j|nop|ret|bt[wlq]?$|u?comis|out|prefetch|ptest)")
TWO_WRITES = re.compile(r"(xchg|xadd|cmpxchg)")
MAX_INSNS = 20000
TAIL_DEPTH = 3


class Insn:
    """One instruction: mnemonic, operands with the destination first, address of the next one."""

    __slots__ = ("name", "ops", "next", "target")

    def __init__(self, raw, att):
        text = re.sub(r"\x1b\[[0-9;]*m", "", raw["asm"])
        text = re.sub(r"<.*>|#.*", "", text).strip()
        words = text.split(None, 1)
        while len(words) == 2 and words[0] in PREFIXES:
            words = words[1].split(None, 1)
        self.name = words[0] if words else ""
        ops = re.findall(r"(?:[^,(\[]|\([^)]*\)|\[[^]]*\])+", words[1]) if len(words) == 2 else []
        ops = [o.strip() for o in ops]
        if att:
            ops = [o.lstrip("$") for o in reversed(ops)]
            ops = [o.lstrip("%") if o.startswith("%") and ":" not in o else o for o in ops]
            # pushq, subq, leaveq: the suffix says nothing we need.
            if re.match(r"(push|pop|sub|add|lea|leave|mov|ret|call|jmp|and)[q]$", self.name):
                self.name = self.name[:-1]
        self.ops = ops
        self.next = raw["addr"] + raw["length"]
        self.target = None
        if self.name[:1] == "j" or self.name.startswith("call"):
            if ops and re.match(r"0x[0-9a-f]+$", ops[0]):
                self.target = int(ops[0], 16)

    def register(self, i):
        """The register we follow that operand i is a part of, or None."""
        return FAMILY.get(self.ops[i]) if i < len(self.ops) else None

    def number(self, i):
        try:
            return int(self.ops[i], 0)
        except (IndexError, ValueError):
            return None

    def stack_slot(self, i):
        """(base, offset) of a memory operand off rsp or rbp, or None."""
        op = self.ops[i] if i < len(self.ops) else ""
        m = re.match(r"(-?0x[0-9a-f]+|-?\d+)?\(%(rsp|rbp)\)$", op)
        if m:
            return m.group(2), int(m.group(1) or "0", 0)
        m = re.match(r"(?:[A-Z]+ PTR )?\[(rsp|rbp)([+-](?:0x[0-9a-f]+|\d+))?\]$", op)
        return (m.group(1), int(m.group(2) or "0", 0)) if m else None


class State:
    """What is known before an instruction; offsets are downwards from the CFA.

    depth: CFA - rsp; frame: CFA - rbp (None: unknown); own: registers that are still the caller's;
    saved: register -> offset of the slot it was saved in.
    """

    __slots__ = ("depth", "frame", "own", "saved")

    def __init__(self, depth=8, frame=None, own=frozenset(SAVED), saved=()):
        self.depth, self.frame, self.own, self.saved = depth, frame, own, dict(saved)

    def copy(self):
        return State(self.depth, self.frame, self.own, self.saved)

    def merged(self, other):
        return State(
            self.depth if self.depth == other.depth else None,
            self.frame if self.frame == other.frame else None,
            self.own & other.own,
            {r: at for r, at in self.saved.items() if other.saved.get(r) == at},
        )

    def __eq__(self, other):
        return (self.depth, self.frame, self.own, self.saved) == (
            other.depth,
            other.frame,
            other.own,
            other.saved,
        )

    def place(self, slot):
        base, offset = slot
        origin = self.depth if base == "rsp" else self.frame
        return None if origin is None else origin - offset

    def store(self, register, at):
        if at is None:
            return
        # What was saved in this slot is not there any more.
        for r in [r for r, slot in self.saved.items() if slot == at]:
            del self.saved[r]
        if register in self.own:
            self.saved[register] = at

    def write(self, register):
        if register == "rsp":
            self.depth = None
        elif register:
            self.own -= {register}
            if register == "rbp":
                self.frame = None

    def load(self, register, at):
        slot = self.saved.get(register)
        self.write(register)
        if slot is not None and slot == at:
            self.own |= {register}

    def shift(self, size):
        if self.depth is not None:
            self.depth += size

    def after(self, insn):
        """The state after it, where it goes on to the next one or jumps."""
        s = self.copy()
        name, first, n = insn.name, insn.register(0), insn.number(1)
        if name == "push":
            s.shift(8)
            s.store(first, s.depth)
        elif name == "pop":
            s.load(first, s.depth)
            if first != "rsp":
                s.shift(-8)
        elif name.startswith("pushf"):
            s.shift(8)
        elif name.startswith("popf"):
            s.shift(-8)
        elif name in ("sub", "add") and first == "rsp" and n is not None:
            s.shift(n if name == "sub" else -n)
        elif name == "lea" and first == "rsp" and insn.stack_slot(1):
            s.depth = s.place(insn.stack_slot(1))
        elif name == "lea" and first == "rbp" and insn.stack_slot(1):
            at = s.place(insn.stack_slot(1))
            s.write("rbp")
            s.frame = at
        elif name == "mov" and first == "rbp" and insn.register(1) == "rsp":
            s.write("rbp")
            s.frame = s.depth
        elif name == "mov" and first == "rsp" and insn.register(1) == "rbp":
            s.depth = s.frame
        elif name == "leave":
            s.depth = s.frame
            s.load("rbp", s.depth)
            s.shift(-8)
        elif name == "enter":
            s.write("rsp")
            s.write("rbp")
        elif name == "mov" and insn.stack_slot(0):
            s.store(insn.register(1), s.place(insn.stack_slot(0)))
        elif name == "mov" and first and insn.stack_slot(1):
            s.load(first, s.place(insn.stack_slot(1)))
        elif name == "cpuid":
            s.write("rbx")
        elif TWO_WRITES.match(name):
            s.write(first)
            s.write(insn.register(1))
        elif not READERS.match(name):
            s.write(first)
        return s


ENDS = ("ret", "jmp", "hlt", "ud2", "iret")


class Function:
    """What following all paths from its first instruction says of each of a function's."""

    def __init__(self, code, start):
        self.start = start
        self.state = {}  # before the instruction at an address
        self.insn = {}
        self.ends = {}  # address after an instruction -> its own
        self.tails = set()  # functions it jumps to
        self.code = code
        self._explore([(start, State())])
        self._follow_tables()

    def _inside(self, address):
        return self.code.symbol(address) == self.start

    def _explore(self, todo, firm=frozenset()):
        """Follow all paths; what is firm already is not put in doubt by another way to get there."""
        while todo and len(self.insn) < MAX_INSNS:
            address, state = todo.pop()
            known = self.state.get(address)
            if known is not None:
                state = known.merged(state)
                if state == known or address in firm:
                    continue
            insn = self.insn.get(address) or self.code.instruction(address)
            if insn is None:
                continue
            self.state[address] = state
            self.insn[address] = insn
            self.ends[insn.next] = address
            todo += [(a, state.after(insn)) for a in self._successors(insn)]

    def _successors(self, insn):
        where = []
        if insn.name[:1] == "j" and insn.target is not None:
            if self._inside(insn.target):
                where.append(insn.target)
            else:
                self.tails.add(insn.target)
        if insn.name.startswith(ENDS):
            return where
        # A call of what does not return may be the last instruction.
        if not insn.name.startswith("call") or self._inside(insn.next):
            where.append(insn.next)
        return where

    def _follow_tables(self):
        """A switch jumps through a table: to the blocks that nothing else leads to, all of them with
        the stack as it was there.  Such blocks follow an instruction that does not go on, as
        does padding, which leads nowhere or to where other paths lead, too."""
        start = State()
        jumps = [a for a, i in self.insn.items() if i.name == "jmp" and i.target is None]
        states = [self.state[a] for a in jumps]
        # One with the stack as at the start is a call through a pointer, at a function's end.
        states = [s for s in states if (s.depth, s.own) != (start.depth, start.own)] or states
        if not states:
            return
        state = states[0]
        for other in states[1:]:
            state = state.merged(other)
        if state.depth is None and state.frame is None:
            return
        firm = frozenset(self.state)
        while True:
            lone = [
                i.next
                for i in self.insn.values()
                if i.name.startswith(ENDS) and i.next not in self.state and self._inside(i.next)
            ]
            if not lone:
                return
            known = len(self.state)
            self._explore([(address, state) for address in lone], firm)
            if len(self.state) == known:
                return

    def at(self, pc, past):
        """State at pc; past: pc is a return address, and the state is that of the call."""
        if past:
            pc = self.ends.get(pc)
            if pc is None or not self.insn[pc].name.startswith("call"):
                return None
        return self.state.get(pc)


class Code:
    """Instructions and function starts, read once."""

    CHUNK = 48

    def __init__(self, architecture):
        self.architecture = architecture
        self.att = gdb.parameter("disassembly-flavor") == "att"
        self.long = gdb.lookup_type("unsigned long")
        self.instructions = {}
        self.symbols = {}
        self.functions = {}

    def instruction(self, address):
        if address not in self.instructions:
            try:
                raw = self.architecture.disassemble(address, count=self.CHUNK)
            except (gdb.error, OverflowError):
                try:
                    raw = self.architecture.disassemble(address)
                except (gdb.error, OverflowError):
                    raw = []
            for r in raw:
                self.instructions.setdefault(r["addr"], Insn(r, self.att))
        return self.instructions.get(address)

    def symbol(self, address):
        """Start of the function that address is in, or None."""
        if address not in self.symbols:
            text = gdb.Value(address).cast(self.long).format_string(format="a")
            m = re.match(r"0x[0-9a-f]+ <.*?(?:\+(\d+))?>$", text)
            self.symbols[address] = address - int(m.group(1) or 0) if m else None
        return self.symbols[address]

    def function(self, start):
        if start not in self.functions:
            self.functions[start] = Function(self, start)
        return self.functions[start]

    def call_before(self, address):
        """Target of the call that returns to address: 0 for one through a pointer, None for none."""
        for size in (5, 2, 3, 6, 7, 4, 8):
            try:
                raw = self.architecture.disassemble(address - size)[0]
            except (gdb.error, OverflowError, IndexError):
                return None
            insn = Insn(raw, self.att)
            if insn.next == address and insn.name.startswith("call"):
                return insn.target or 0
        return None

    def leads_to(self, start, wanted, depth=TAIL_DEPTH):
        """Does the function at start end in a jump to the one wanted, perhaps through others?"""
        tails = self.function(start).tails
        return wanted in tails or (
            depth > 1 and any(self.leads_to(t, wanted, depth - 1) for t in tails)
        )


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class Unwinder(gdb.unwinder.Unwinder):
    """Frames of code without line information, in guests."""

    def __init__(self):
        super().__init__("hl")
        self.forget()
        for event in ("new_objfile", "clear_objfiles", "exited", "memory_changed"):
            getattr(gdb.events, event).connect(self.forget)

    def forget(self, event=None):
        self.code = None
        self.flavor = None
        self.guest = None

    def is_guest(self):
        if self.guest is None:
            self.guest = (
                gdb.lookup_global_symbol("hl_state") is not None
                or gdb.lookup_static_symbol("hl_state") is not None
            )
        return self.guest

    def __call__(self, pending):
        try:
            return self.unwind(pending)
        except (gdb.error, RuntimeError, OverflowError, ValueError, RecursionError):
            return None

    def unwind(self, pending):
        pc = int(pending.read_register("rip")) & (1 << 64) - 1
        sp = int(pending.read_register("rsp")) & (1 << 64) - 1
        level = pending.level()
        if gdb.find_pc_line(pc - (1 if level else 0)).symtab is not None or not self.is_guest():
            return None
        flavor = gdb.parameter("disassembly-flavor")
        if self.code is None or self.flavor != flavor:
            if pending.architecture().name() != "i386:x86-64":
                return None
            self.code = Code(pending.architecture())
            self.flavor = flavor
        past = level > 0 and self.code.call_before(pc) is not None
        start = self.code.symbol(pc - (1 if past else 0))
        if start is None or self.code.instruction(start) is None:
            return None  # no code of the guest's: GDB knows what a wild jump looks like
        found = self.caller(pending, pc, sp, start, past)
        return self.frame(pending, sp, start, *(found or (None, None, None)))

    def caller(self, pending, pc, sp, start, past):
        """(CFA, return address, state) of the frame, or None where that is not certain."""
        state = self.code.function(start).at(pc, past)
        cfa = self.cfa(pending, sp, state)
        if cfa is None:
            return None
        back = self.word(cfa - 8)
        target = self.code.call_before(back) if back is not None else None
        if target is None:
            return None
        if target in (0, start) or self.code.leads_to(target, start):
            return cfa, back, state
        return None

    @staticmethod
    def cfa(pending, sp, state):
        if state is None:
            return None
        if state.depth is not None:
            cfa = sp + state.depth
        elif state.frame is not None:
            cfa = (int(pending.read_register("rbp")) & (1 << 64) - 1) + state.frame
        else:
            return None
        return cfa if cfa > sp and cfa % 8 == 0 else None

    @staticmethod
    def word(address, signed=False):
        try:
            data = bytes(gdb.selected_inferior().read_memory(address, 8))
            return int.from_bytes(data, "little", signed=signed)
        except gdb.error:
            return None

    def frame(self, pending, sp, start, cfa, back, state):
        rip = pending.read_register("rip")
        rsp = pending.read_register("rsp")
        known = cfa is not None
        info = pending.create_unwind_info(
            FrameId(
                gdb.Value(cfa if known else sp).cast(rsp.type), gdb.Value(start).cast(rip.type)
            )
        )
        # GDB ends a backtrace at address 0.
        info.add_saved_register("rip", gdb.Value(back if known else 0).cast(rip.type))
        info.add_saved_register("rsp", gdb.Value(cfa if known else sp + 8).cast(rsp.type))
        for name in SAVED if known else ():
            value = pending.read_register(name)
            if name not in state.own:
                at = state.saved.get(name)
                word = self.word(cfa - at, signed=True) if at is not None else None
                if word is None:
                    continue
                value = gdb.Value(word).cast(value.type)
            info.add_saved_register(name, value)
        for name in ("fs_base", "gs_base"):
            try:
                info.add_saved_register(name, pending.read_register(name))
            except (gdb.error, ValueError):
                pass
        return info
