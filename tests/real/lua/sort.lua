-- SPDX-License-Identifier: Apache-2.0
local seed = 12345
local function random() seed = (seed * 1103515245 + 12345) & 0x7fffffff; return seed end
local t = {}
for i = 1, 20000 do t[i] = random() % 100000 end
table.sort(t)
local good = true; for i = 2, #t do good = good and t[i - 1] <= t[i] end
print(good, t[1], t[10000], t[20000])
table.sort(t, function(a, b) return a > b end); print(t[1], t[10000], t[20000])
local w = {}
for s in ("the quick brown fox jumps over the lazy dog Then The end"):gmatch("%a+") do w[#w + 1] = s end
table.sort(w); print(table.concat(w, " ")); table.sort(w, function(a, b) if #a ~= #b then return #a < #b end return a < b end); print(table.concat(w, " "))
print(pcall(table.sort, {3, 1, "x"})); print(pcall(table.sort, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, function() return true end))
local function quick(a, lo, hi) if lo < hi then local p, i = a[hi], lo; for j = lo, hi - 1 do if a[j] < p then a[i], a[j] = a[j], a[i]; i = i + 1 end end a[i], a[hi] = a[hi], a[i]; quick(a, lo, i - 1); quick(a, i + 1, hi) end end
local u = {}; for i = 1, 5000 do u[i] = random() % 1000 end quick(u, 1, #u); print(u[1], u[2500], u[5000])
