-- SPDX-License-Identifier: Apache-2.0
local s = "žluťoučký kůň €uro 𝄞 日本"
print(#s, utf8.len(s), utf8.codepoint(s, 1, 6), utf8.char(72, 228, 8364, 120094, 0x7FFFFFFF) == "Hä€𝔞\u{7FFFFFFF}")
for p, c in utf8.codes("aé€𝄞") do print(p, c, utf8.char(c)) end
print(utf8.offset(s, 5), utf8.offset(s, -2), s:sub(utf8.offset(s, -2)), utf8.len("\xff"), utf8.len("ab\x80cd"))
print(utf8.charpattern:byte(1, -1)); local n = 0; for _ in s:gmatch(utf8.charpattern) do n = n + 1 end print(n)
print(pcall(utf8.codepoint, "\xed\xa0\x80"), utf8.len("\u{D7FF}"), utf8.len("\xf4\x90\x80\x80"), utf8.len("\xf4\x90\x80\x80", 1, -1, true))
print(("ÄÖÜ"):lower(), ("äöü"):upper(), ("straße"):rep(2), #("日本"):reverse())
