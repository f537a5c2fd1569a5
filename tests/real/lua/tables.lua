-- SPDX-License-Identifier: Apache-2.0
local t = {}
for i = 1, 10000 do t[i] = i * i end
for i = 1, 10000, 3 do t[i] = nil end
local n, sum = 0, 0
for _, v in pairs(t) do n, sum = n + 1, sum + v end
print(n, sum, t[2], t[4], #{1, 2, 3}, select("#", table.unpack({1, nil, 3}, 1, 3)))
local list = {5, 2, 8}
table.insert(list, 1, 9); table.insert(list, 7); print(table.concat(list, " "), table.remove(list, 2), table.remove(list))
print(table.concat(table.move({1, 2, 3, 4}, 2, 4, 1), ","), table.pack(1, nil, 3).n, next({}), rawlen({1, 2}), rawequal(t, t))
local V = {}
V.__index = V
V.__add = function(a, b) return setmetatable({x = a.x + b.x}, V) end
V.__eq = function(a, b) return a.x == b.x end
V.__lt = function(a, b) return a.x < b.x end
V.__le = function(a, b) return a.x <= b.x end
V.__call = function(self, k) return self.x * k end
V.__tostring = function(self) return "V(" .. self.x .. ")" end
V.__len = function() return 99 end
V.__concat = function(a, b) return tostring(a) .. "~" .. tostring(b) end
V.__unm = function(a) return setmetatable({x = -a.x}, V) end
V.__close = function(a) print("closed", a) end
local function v(x) return setmetatable({x = x}, V) end
print(tostring(v(1) + v(2)), v(1) == v(1), v(1) < v(2), v(3) <= v(2), v(4)(5), #v(1), v(1) .. v(2), v(1) .. "s", tostring(-v(7)))
do local a <close> = v(1); local b <close> = v(2); print("in the block") end
local log = {}
local p = setmetatable({}, {__index = function(_, k) return k .. "!" end, __newindex = function(t, k, x) rawset(t, k, x); log[#log + 1] = k end})
p.a, p.b, p.a = 1, 2, 3
print(p.a, p.b, p.zzz, table.concat(log, ","))
local keys = {}
for k in pairs({x = 1, y = 2, [1] = 3, [2.5] = 4, [true] = 5}) do keys[#keys + 1] = tostring(k) end
table.sort(keys); print(table.concat(keys, " "))
for i, x in ipairs({1, 2, nil, 4}) do print(i, x) end
local seen = {}
local function walk(n) if n == 0 then return {} end return {walk(n - 1), walk(n - 1)} end
local function count(x) local c = 1; for _, y in ipairs(x) do c = c + count(y) end return c end
print(count(walk(12)))
