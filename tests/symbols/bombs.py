#!/usr/bin/env python3
"""Small files that ask for a lot: symbols, debug information and call frames.
usage: bombs.py DIRECTORY         writes one file for each kind, named for it
       bombs.py DIRECTORY KIND    writes the plain sections of that kind: KIND.debug_info, ...
Each has 4 KiB of code at 0x401000 and, but where the symbols are the bomb, a function f over all of it.
"""
import os, struct, sys, zlib

out, only = sys.argv[1], sys.argv[2:]
TEXT, SIZE = 0x401000, 4096
u16, u32, u64 = (lambda v, f=f: struct.pack(f, v) for f in ('<H', '<I', '<Q'))
ZLIB, ZSTD = 1, 2

def uleb(v):
    b = b''
    while v > 127:
        b += bytes([v & 127 | 128]); v >>= 7
    return b + bytes([v])

def zstd_zeros(size):
    """a frame of nothing but runs of zeros (RFC 8878)"""
    blocks, left = b'', size
    while left:
        n = min(left, 128 << 10); left -= n
        blocks += struct.pack('<I', (n << 3 | 1 << 1 | (left == 0)))[:3] + b'\0'
    return b'\x28\xb5\x2f\xfd' + b'\xc0\x38' + u64(size) + blocks

def packed(data, method=ZLIB):
    return ('C', u32(method) + u32(0) + u64(len(data)) + u64(1) + zlib.compress(data, 9), data)

def elf(name, sections, symbols=None, strings=b'\0f\0', more=0, more_name=b'', notes=()):
    """sections: name -> bytes, or ('C', bytes) where they are compressed"""
    if only:
        for n, data in sections.items() if name in only else ():
            with open(os.path.join(out, name + n), 'wb') as f:
                f.write(data[2] if isinstance(data, tuple) else data)
        return
    code = (b'\x55\x48\x89\xe5' + b'\xe8\xf7\xff\xff\xff' * 800 + b'\xc3').ljust(SIZE, b'\x90')
    if symbols is None:
        symbols = bytes(24) + struct.pack('<IBBHQQ', 1, 0x12, 0, 1, TEXT, SIZE)
    parts = [('.text', code, 1, 6, TEXT, 0)]
    if symbols:
        parts += [('.strtab', strings, 3, 0, 0, 0), ('.symtab', symbols, 2, 0, 0, 2)]
    for n, data in sections.items():
        compressed = isinstance(data, tuple)
        data = data[1] if compressed else data
        address = 0x500000 if n == '.eh_frame' else 0
        parts.append((n, data, 1, 0x800 if compressed else 0, address, 0))
    body, names, headers = bytearray(b'\0' * 0x1000), b'\0', [bytes(64)]
    for n, data, kind, flags, address, link in parts:
        while len(body) % 16: body.append(0)
        headers.append(struct.pack('<IIQQQQIIQQ', len(names), kind, flags, address, len(body), len(data),
                                   link, 0, 1, 24 if kind == 2 else 0))
        names += n.encode() + b'\0'
        body += data
    headers += [struct.pack('<IIQQQQIIQQ', len(names), 1, 0, 0, 64, 0, 0, 0, 1, 0)] * more
    names += more_name + b'\0'
    headers.append(struct.pack('<IIQQQQIIQQ', 0, 3, 0, 0, len(body), len(names), 0, 0, 1, 0))
    body += names
    while len(body) % 16: body.append(0)
    body[:64] = (b'\x7fELF\2\1\1' + bytes(9) + struct.pack('<HHIQQQIHHHHHH', 2, 62, 1, TEXT, 64, len(body), 0,
                 64, 56, 1, 64, len(headers), len(headers) - 1))
    body[64:120] = struct.pack('<IIQQQQQQ', 1, 5, 0x1000, TEXT, TEXT, SIZE, SIZE, 4096)
    with open(os.path.join(out, name), 'wb') as f:
        f.write(body + b''.join(headers))

def unit4(dies):
    return u32(7 + len(dies)) + u16(4) + u32(0) + b'\x08' + dies
def unit5(dies, kind=1, extra=b''):
    return u32(8 + len(extra) + len(dies)) + u16(5) + bytes([kind, 8]) + u32(0) + extra + dies
def abbrev(code, tag, children, *specs):
    return uleb(code) + uleb(tag) + bytes([children]) + b''.join(uleb(a) + uleb(f) for a, f in specs) + b'\0\0'
WHOLE = u64(TEXT) + u64(SIZE)
LOW, HIGH = (0x11, 1), (0x12, 7)          # low_pc addr, high_pc data8
CU = abbrev(1, 0x11, 1, LOW, HIGH)
FN = abbrev(2, 0x2e, 1, LOW, HIGH)
def program(info, abbrevs, **more):
    return dict({'.debug_info': info, '.debug_abbrev': abbrevs + b'\0'}, **more)

# ---- lines
def line4(rows):
    rest = struct.pack('<BBBbBB', 1, 1, 1, -5, 14, 13) + bytes([0,1,1,1,1,0,0,0,1,0,0,1]) + b'\0a.c\0\0\0\0\0'
    code = b'\0\x09\x02' + u64(TEXT) + b'\x21' * rows + b'\0\x01\x01'
    body = u16(4) + u32(len(rest)) + rest + code
    return u32(len(body)) + body
def line5(rows, tables):
    rest = struct.pack('<BBBbBB', 1, 1, 1, -5, 14, 13) + bytes([0,1,1,1,1,0,0,0,1,0,0,1]) + tables
    code = b'\0\x09\x02' + u64(TEXT) + b'\x21' * rows + b'\0\x01\x01'
    body = u16(5) + b'\x08\0' + u32(len(rest)) + rest + code
    return u32(len(body)) + body
LINES = abbrev(1, 0x11, 0, LOW, HIGH, (0x10, 0x17))
lined = unit4(b'\1' + WHOLE + u32(0))
named = bytes([1, 1, 8, 1]) + b'd\0' + bytes([2, 1, 8, 2, 11, 1]) + b'a.c\0\0'
elf('lines4', {**program(lined, LINES), '.debug_line': packed(line4(24000000))})
elf('lines5', {**program(unit5(b'\1' + WHOLE + u32(0)), LINES), '.debug_line': packed(line5(24000000, named))})
elf('line-files', {**program(lined, LINES), '.debug_line': line5(1, b'\0' + uleb(1 << 60) + b'\0' + uleb(1 << 60))})
elf('line-names', {**program(lined, LINES),
                   '.debug_line': packed(line5(1, bytes([1, 1, 8]) + uleb(1 << 40) + b'd\0' * 40000000))})
elf('lines-many', {**program(lined * 50000, LINES), '.debug_line': packed(line4(1000000))})

# ---- ranges
pairs = b''.join(struct.pack('<QQ', 0x10 + 2 * i, 0x11 + 2 * i) for i in range(1000)) * 1000
elf('units', {**program(unit4(b'\1' + u32(0)) * 20000, abbrev(1, 0x11, 0, (0x55, 0x17))),
              '.debug_ranges': packed(pairs + bytes(16))})
elf('ranges', {**program(unit4(b'\1' + WHOLE + (b'\2' + u32(0)) * 20000 + b'\0'),
                         CU + abbrev(2, 0x2e, 0, (0x55, 0x17))), '.debug_ranges': packed(pairs + bytes(16))}, symbols=b'')
bases = b'\5' + u64(TEXT)
elf('rnglists', {**program(unit5(b'\1' + WHOLE + (b'\2' + u32(0)) * 20000 + b'\0'),
                           CU + abbrev(2, 0x2e, 0, (0x55, 0x17))), '.debug_rnglists': packed(bases * 2000000 + b'\0')})
elf('rnglist-here', {**program(unit5(b'\1' + u32(0)) * 20000, abbrev(1, 0x11, 0, (0x55, 0x17))),
                     '.debug_rnglists': packed((b'\6' + u64(TEXT) + u64(TEXT + 9)) * 2000000 + b'\0')})

# ---- entries and abbreviations
elf('attributes', {**program(packed(unit4(b'\1' + WHOLE + b'\2' * 4000000 + b'\0')),
                             b''), '.debug_abbrev': packed(CU + abbrev(2, 0x34, 0, *[(0x3f, 0x19)] * 500000) + b'\0')})
elf('attributes-vary', {**program(packed(unit4(b'\1' + WHOLE + (b'\2' + bytes(50000)) * 1000 + b'\0')),
                             CU + abbrev(2, 0x2e, 0, *[(0x3f, 0xf)] * 50000))})
elf('abbrevs', {**program(packed(unit4(uleb(60000) + WHOLE) * 20000),
                          b''.join(abbrev(i, 0x24, 0) for i in range(1, 60000)) + abbrev(60000, 0x11, 0, LOW, HIGH))})
elf('abbrevs-mixed', {**program(packed(unit4(b'\1' + WHOLE + (uleb(70000)) * 1000000 + b'\0')),
                                abbrev(1, 0x11, 1, LOW, HIGH) + b''.join(abbrev(200000 - i, 0x24, 0) for i in range(150000)))})
elf('deep', program(packed(unit4(b'\1' + WHOLE + b'\2' * 20000000 + b'\0' * 20000001)), CU + abbrev(2, 0xb, 1)))
elf('deep-names', program(packed(unit4(b'\1' + WHOLE + b'\2' * 20000000 + b'\0' * 20000001)), CU + abbrev(2, 0x39, 1)))
elf('inlined', program(packed(unit4(b'\1' + WHOLE + b'\2' + WHOLE + (b'\3' + u64(16) + u64(1)) * 2000000 + b'\0\0')),
                       CU + FN + abbrev(3, 0x1d, 0, LOW, HIGH)))
elf('functions', program(packed(unit4(b'\1' + WHOLE + (b'\2' + WHOLE + b'\0') * 3000000 + b'\0')), CU + FN), symbols=b'')
elf('nested', program(packed(unit4(b'\1' + WHOLE + b'\3' + (b'\2' + u64(16) + u64(1) + b'\0') * 3000000 + b'\0\0')),
                      CU + FN + abbrev(3, 0x2e, 1)), symbols=b'')
elf('nested-units', program(packed((unit4(b'\1' + u64(TEXT) + u64(1) + b'\3' + b'\4' * 20000 + b'\0\0')) * 400 +
                            unit4(b'\1' + WHOLE + b'\3' + b'\4' * 20000 + b'\0\0')),
                            CU + abbrev(3, 0x2e, 1) + abbrev(4, 0x34, 0)), symbols=b'')
elf('indirect', program(unit4(b'\1' + WHOLE + b'\2' + b'\x16' * 3000000), CU + abbrev(2, 0x2e, 0, (3, 0x16))))
elf('block', program(unit4(b'\1' + WHOLE + b'\2' + u32(0xfffffff0)), CU + abbrev(2, 0x2e, 0, (2, 4))))
at = 11 + 17
elf('origin', program(unit4(b'\1' + WHOLE + b'\2' + WHOLE + u32(at) + b'\0'),
                      CU + abbrev(2, 0x2e, 0, LOW, HIGH, (0x31, 0x13))), symbols=b'')
elf('origins', program(unit4(b'\1' + WHOLE + b'\2' + WHOLE + u32(at + 21) + b'\2' + WHOLE + u32(at) + b'\0'),
                       CU + abbrev(2, 0x2e, 0, LOW, HIGH, (0x47, 0x13))), symbols=b'')
elf('sibling', program(unit4(b'\1' + WHOLE + b'\2' + u32(at) + b'\2' + u32(at) + b'\0'),
                       CU + abbrev(2, 0x2e, 1, (1, 0x13))))
elf('giant-name', {**program(unit4(b'\1' + WHOLE + b'\2' + WHOLE + u32(0) + b'\0'),
                             CU + abbrev(2, 0x2e, 0, LOW, HIGH, (3, 0xe))), '.debug_str': packed(b'A' * 100000000 + b'\0')}, symbols=b'')
elf('giant-here', program(packed(unit4(b'\1' + WHOLE + (b'\2' + b'A' * 60000 + b'\0') * 1500 + b'\0')),
                          CU + abbrev(2, 0x2e, 0, (3, 8))), symbols=b'')
elf('units-empty', program(packed(unit4(b'') * 10000000), CU))

# ---- what is compressed, and sections
elf('zlib', {**program(packed(bytes(600 << 20)), CU)})
elf('zstd', {'.debug_info': ('C', u32(ZSTD) + u32(0) + u64(500 << 20) + u64(1) + zstd_zeros(500 << 20)), '.debug_abbrev': CU})
elf('zstd-lies', {'.debug_info': ('C', u32(ZSTD) + u32(0) + u64(1 << 40) + u64(1) + zstd_zeros(1 << 20)), '.debug_abbrev': CU})
gnu = zlib.compress(bytes(500 << 20), 9)
elf('gnu', {'.zdebug_info': b'ZLIB' + struct.pack('>Q', 500 << 20) + gnu, '.debug_abbrev': CU})
elf('gnu-many', {n: b'ZLIB' + struct.pack('>Q', 400 << 20) + gnu for n in ('.zdebug_info', '.zdebug_line', '.zdebug_str')})
elf('sections', program(lined, LINES), more=60000, more_name=b'.zdebu' * 1000000)

# ---- symbols
def symbol(name, value=TEXT, size=1):
    return struct.pack('<IBBHQQ', name, 0x12, 0, 1, value, size)
elf('symbols', {}, bytes(24) + b''.join(symbol(1 + i % 2000000) for i in range(20000)), b'\0' + b'A' * 4000000 + b'\0')
elf('symbols-many', {}, bytes(24) + symbol(1) * 3000000, b'\0' + b'_' * 4000000 + b'\0')
elf('symbols-mangled', {}, bytes(24) + b''.join(symbol(1 + 64 * i, TEXT + i % SIZE) for i in range(200000)),
    b'\0' + b''.join(b'_Z1fPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPPP%05di\0\0\0' % (i % 99999) for i in range(200000)))

# ---- call frames
def cie(program=b'\x0c\7\x08\x90\1', augmentation=b'zR', data=b'\0'):
    body = u32(0) + b'\1' + augmentation + b'\0' + b'\1\x78\x10' + uleb(len(data)) + data + program
    body += b'\0' * (-len(body) % 8)
    return u32(len(body)) + body
def fde(offset, start, size, program=b''):
    body = u32(offset + 4) + u64(start) + u64(size) + b'\0' + program
    body += b'\0' * (-(4 + len(body)) % 8)
    return u32(len(body)) + body
def frames(head, start, size, n, program=b''):
    records, at = [head], len(head)
    for i in range(n):
        r = fde(at, start(i), size, program); records.append(r); at += len(r)
    return b''.join(records) + u32(0)
elf('fdes', {'.eh_frame': frames(cie(), lambda i: TEXT + i % SIZE, SIZE, 1000000)})
elf('fdes-far', {'.eh_frame': frames(cie(), lambda i: 0x10000000 + 16 * i, 16, 1000000)})
elf('cies', {'.eh_frame': cie() * 1000000 + u32(0)})
elf('augmentation', {'.eh_frame': cie(augmentation=b'z' + b'S' * 20000000) + u32(0)})
elf('cfa-long', {'.eh_frame': frames(cie(), lambda i: TEXT, SIZE, 1, b'\x0a\x0b' * 30000)})
elf('cfa-longer', {'.eh_frame': frames(cie(), lambda i: TEXT, SIZE, 1, b'\x0a\x0b' * 3000000)})
elf('cfa-cie', {'.eh_frame': frames(cie(b'\x0a\x0b' * 30000), lambda i: TEXT + 16 * (i % 256), 16, 256)})
loop = b'\x30\x2f\xfc\xff'                # lit0, skip -4
elf('expression', {'.eh_frame': frames(cie(), lambda i: TEXT, SIZE, 1, b'\x0f' + uleb(len(loop)) + loop)})
block = b'\x30\x13' * 127
elf('expressions', {'.eh_frame': frames(cie(), lambda i: TEXT, SIZE, 4000,
                    b''.join(bytes([0x10, r]) + uleb(len(block)) + block for r in range(16)))})
elf('remember', {'.eh_frame': frames(cie(), lambda i: TEXT, SIZE, 1, b'\x0a' * 60000)})

# ---- other files
SKELETON = abbrev(1, 0x4a, 0, LOW, HIGH, (0x76, 8))
def skeletons(name, n, same=False):
    return b''.join(unit5(b'\1' + u64(TEXT + i % SIZE) + u64(1) + name + b'\0', 4, u64(7 if same else i)) for i in range(n))
if only:
    sys.exit()
elf('dwo-self', program(packed(skeletons(b'dwo-self', 4096)), SKELETON))
with open(os.path.join(out, 'big.dwo'), 'wb') as f:
    f.write(open(os.path.join(out, 'units'), 'rb').read())
    f.truncate(300 << 20)
elf('dwo-big', program(packed(skeletons(b'big.dwo', 4096)), SKELETON))
elf('dwo-bomb', program(packed(skeletons(b'bomb.dwo', 4096, True)), SKELETON))
elf('bomb.dwo', {'.debug_info.dwo': packed(unit5(b'\1' + bytes(20000000), 5, u64(7))),
                 '.debug_abbrev.dwo': abbrev(1, 0x11, 1) + b'\0'})
elf('dwp', program(packed(skeletons(b'none', 4096)), SKELETON))
slots = 1 << 20
elf('dwp.dwp', {'.debug_cu_index': packed(u32(5) + u32(1) + u32(1) + u32(slots) + bytes(8 * slots) + u32(1) * slots +
                                          u32(1) + u32(0) + u32(8))})
elf('alt', {**program(lined, LINES), '.gnu_debugaltlink': b'alt.shared\0' + b'\1' * 20})
elf('alt-self', {**program(lined, LINES), '.gnu_debugaltlink': b'alt-self\0' + b'\1' * 20})
elf('link-self', {'.gnu_debuglink': b'link-self\0\0\0' + u32(1)}, symbols=b'')
