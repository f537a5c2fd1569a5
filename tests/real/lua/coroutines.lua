-- SPDX-License-Identifier: Apache-2.0
local function range(n) return coroutine.wrap(function() for i = 1, n do coroutine.yield(i) end end) end
local s = 0; for i in range(1000) do s = s + i end print(s)
local co = coroutine.create(function(a, b) print("start", a, b); local c = coroutine.yield(a + b); print("got", c); local d, e = coroutine.yield(c * 2); return d, e, "end" end)
print(coroutine.resume(co, 1, 2)); print(coroutine.status(co), coroutine.resume(co, 10)); print(coroutine.resume(co, "x", "y")); print(coroutine.status(co), coroutine.resume(co))
local function perm(a, n) n = n or #a; if n <= 1 then coroutine.yield(table.concat(a)) else for i = 1, n do a[n], a[i] = a[i], a[n]; perm(a, n - 1); a[n], a[i] = a[i], a[n] end end end
for p in coroutine.wrap(function() perm({"a", "b", "c"}) end) do print(p) end
local list = {}
for i = 1, 2000 do list[i] = coroutine.create(function(x) for j = 1, 5 do x = x + coroutine.yield(x) end return x end) end
local total = 0
for round = 1, 6 do for i = 1, #list do local _, v = coroutine.resume(list[i], i); total = total + v end end
print(total, coroutine.isyieldable(), coroutine.running() ~= nil)
print(pcall(function() return coroutine.wrap(function() return pcall(function() coroutine.yield(1); error("after") end) end)() end))
local c2 = coroutine.create(function() local x <close> = setmetatable({}, {__close = function() print("closing") end}); coroutine.yield() end)
coroutine.resume(c2); print(coroutine.close(c2), coroutine.status(c2))
print(select(2, coroutine.resume(coroutine.create(function() return table.unpack({1, 2, 3}) end))))
