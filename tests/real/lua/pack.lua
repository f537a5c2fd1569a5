-- SPDX-License-Identifier: Apache-2.0
local function hex(s) return (s:gsub(".", function(c) return string.format("%02x", c:byte()) end)) end
print(hex(string.pack("<i4 >i4 =i4", 1, 1, 1)), hex(string.pack("bBhHiIlLjJ", -1, 255, -2, 65535, -3, 4294967295, -4, 5, -6, 7)))
print(hex(string.pack("<f d n", 1.5, -2.25, 1e300)), hex(string.pack("z s1 s2 s4 s", "zero", "one", "two", "four", "eight")))
print(hex(string.pack("!8 b i8 !4 b i4 x Xi4", 1, 2, 3, 4)), hex(string.pack(">I3 <I3 I16", 0x010203, 0x010203, 77)))
print(string.unpack("<i2 >i2 z s1", "\1\0\0\1abc\0\3xyz")); print(string.packsize("<!4 b i4 d"), string.packsize("jJnT"))
print(pcall(string.pack, "i1", 200)); print(pcall(string.pack, "i17", 1)); print(pcall(string.unpack, "i4", "abc")); print(pcall(string.unpack, "z", "abc"))
local blob = {}; for i = 0, 999 do blob[#blob + 1] = string.pack("<I2 d", i, i / 3) end blob = table.concat(blob)
local pos, sum = 1, 0; while pos <= #blob do local a, b; a, b, pos = string.unpack("<I2 d", blob, pos); sum = sum + a + b end print(#blob, string.format("%.12g", sum))
print(#string.dump(function() return 1 end) > 40, select("#", string.unpack("c3 B", "abc\255")), string.unpack("c3 B", "abc\255"))
