-- SPDX-License-Identifier: Apache-2.0
print(string.format("%d %5d|%-5d|%05d %+d %x %X %#x %o %c", 42, 42, 42, 42, 42, 255, 255, 255, 8, 65))
print(string.format("%f %.3f %10.2f|%e %g %g %g", 3.25, 2 / 3, 1e6 / 7, 12345.678, 1e20, 0.1, 1e-7))
print(string.format("%.14g %.17g %a", 0.1, 0.1, 0.5))
print(string.format("%q", 'quo"te\n\\ \0 \1272 end'), string.format("%q %q", 1 / 3, math.mininteger))
print(string.format("%s %10s|%-10s|%.3s", "abc", "abc", "abc", "abcdef"), ("x"):rep(5, ","))
print(("hello world"):gsub("o", "0"), ("hello world"):gsub("(%w+) (%w+)", "%2 %1"))
print(("key = value; k2=v2"):gsub("(%w+)%s*=%s*(%w+)", function(k, v) return v .. "=" .. k end))
for k, v in ("a=1,b=22,c=333"):gmatch("(%w+)=(%w+)") do print(k, v) end
print(("THE (quick) fox"):find("%((%a+)%)"), ("a.b.c"):find(".", 2, true), ("  trim "):match("^%s*(.-)%s*$"))
print(("f(a(b)c)d"):match("%b()"), ("THE quick"):find("%f[%a]%a+%f[%A]"), ("abc"):byte(1, -1))
print(("abc"):reverse():upper(), #"\u{7FFFFFFF}", "\x41\065\z
       B", 10 .. "", 1e15, 1e16, 2 ^ 53, -0.0, 1 / 0, -1 / 0, 1e100)
print(tostring(nil), tostring(true), tonumber("0x1p4"), tonumber("  12  "), tonumber("1e1"), tonumber("z", 36),
      tonumber("8", 8), tonumber("0x"), tonumber("9223372036854775808"), 9223372036854775807 + 1)
print(#string.rep("abc", 100000), string.rep("abc", 100000):sub(-4), ("x"):rep(0) == "")
