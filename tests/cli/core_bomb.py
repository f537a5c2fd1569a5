#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""core_bomb.py KIND CORE OUT [TEXT] - a core file made of a good one that costs more than it should.

same     65000 PT_NOTEs that lie over each other (notes too long by their own headers)
empty    65000 PT_NOTEs over each other, full of notes of no length
far      notes so far from each other that none is near the next
files    an NT_FILE that promises more names than there are bytes
loads    a million PT_LOADs of one byte each, all of the same address
count    more program headers than may be, from the first section header
named    the good one, with TEXT as the guest's path
"""
import struct
import sys

kind, source, out = sys.argv[1:4]
core = open(source, 'rb').read()
header = bytearray(core[:64])
first = core[64:120]  # the PT_NOTE
at, = struct.unpack_from('<Q', first, 8)
size, = struct.unpack_from('<Q', first, 32)
notes = core[at:at + size]


def note(kind, desc, name=b'CORE\0\0\0\0'):
    return struct.pack('<III', 5, len(desc), kind) + name + desc + bytes(-len(desc) % 4)


def phdr(kind, offset, filesz, address=0):
    return struct.pack('<IIQQQQQQ', kind, 4, offset, address, 0, filesz, filesz, 4)


def write(headers, pieces, count=None):
    struct.pack_into('<Q', header, 32, 64)
    struct.pack_into('<Q', header, 40, 0)
    struct.pack_into('<HH', header, 56, count or len(headers), 64)
    with open(out, 'wb') as f:
        f.write(header)
        f.write(b''.join(headers))
        for place, data in pieces:
            f.seek(place)
            f.write(data)


def without(kind):
    """The notes but those of a kind."""
    rest, kept = notes, b''
    while rest:
        n, d, t = struct.unpack_from('<III', rest)
        whole = 12 + (n + 3 & ~3) + (d + 3 & ~3)
        kept += rest[:whole] if t != kind else b''
        rest = rest[whole:]
    return kept


COUNT = 65000
base = 64 + 56 * COUNT + 4096
if kind in ('same', 'empty'):
    fill = (b'\xff' if kind == 'same' else b'\0') * ((1 << 20) + 70000)
    write([phdr(4, base, len(notes))] +
          [phdr(4, base + len(notes) + i % 4096, (1 << 20) - 8192 + i) for i in range(COUNT - 1)],
          [(base, notes + fill)])
elif kind == 'far':
    step = 1 << 20
    far = [(4096 + size + i * step, struct.pack('<III', 5, step - 20, 77) + b'CORE\0\0\0\0')
           for i in range(6000)]
    write([phdr(4, 4096, size), phdr(4, 4096 + size, 6000 * step)], [(4096, notes)] + far)
elif kind == 'files':
    many = without(0x46494c45) + note(0x46494c45, struct.pack('<QQ', 1 << 62, 4096) + bytes(4096))
    write([phdr(4, 4096, len(many))], [(4096, many)])
elif kind == 'loads':
    total = 1 << 20
    place = 128 + 56 * total
    struct.pack_into('<Q', header, 32, 64)
    struct.pack_into('<Q', header, 40, place)
    struct.pack_into('<HHHH', header, 56, 0xffff, 64, 1, 0)
    with open(out, 'wb') as f:
        f.write(header)
        f.write(phdr(4, place + 64, len(notes)))
        f.write(phdr(1, place, 1, 0x400000) * (total - 1))
        f.seek(place)
        f.write(bytes(44) + struct.pack('<I', total) + bytes(16) + notes)
elif kind == 'count':
    struct.pack_into('<Q', header, 40, 4096)
    struct.pack_into('<HHHH', header, 56, 0xffff, 64, 1, 0)
    with open(out, 'wb') as f:
        f.write(header)
        f.seek(4096)
        f.write(bytes(44) + struct.pack('<I', (1 << 20) + 1) + bytes(16))
elif kind == 'named':
    path = sys.argv[4].encode() + b'\0'
    named = without(0x46494c45) + note(0x46494c45, struct.pack('<QQQQQ', 1, 4096, 0, 0, 0) + path)
    rest = [core[120 + 56 * i:176 + 56 * i]
            for i in range(struct.unpack_from('<H', core, 56)[0] - 1)]
    write([phdr(4, len(core), len(named))] + rest, [(4096, core[4096:]), (len(core), named)])
