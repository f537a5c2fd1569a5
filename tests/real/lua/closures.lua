-- SPDX-License-Identifier: Apache-2.0
local function counter() local n = 0; return function() n = n + 1; return n end, function() return n end end
local a, get = counter(); local b = counter()
a(); a(); b(); print(a(), b(), get())
local fs = {}
for i = 1, 5 do fs[i] = function() i = i + 1; return i end end
print(fs[1](), fs[1](), fs[2](), fs[5]())
local function Y(f) return (function(x) return x(x) end)(function(x) return f(function(...) return x(x)(...) end) end) end
print(Y(function(fac) return function(n) return n <= 1 and 1 or n * fac(n - 1) end end)(20))
local function sum(...) local s = 0; for _, x in ipairs({...}) do s = s + x end return s, select("#", ...), (select(-1, ...)) end
print(sum(1, 2, 3, 4))
local function loop(n, acc) if n == 0 then return acc end return loop(n - 1, acc + n) end
print(loop(1000000, 0))
local function compose(...) local f = {...}; return function(x) for i = #f, 1, -1 do x = f[i](x) end return x end end
print(compose(math.sqrt, function(x) return x + 1 end, function(x) return x * 3 end)(5))
print(load("return function(x) return x * 2 end")()(21), load("syntax error here"))
local memo = setmetatable({}, {__mode = "k"})
local function fib(n) if n < 2 then return n end memo[n] = memo[n] or fib(n - 1) + fib(n - 2); return memo[n] end
print(fib(80)); for i = 10, 1, -3 do io.write("") print(i) end
goto done
print("not reached")
::done:: print((function(...) return select("#", ...) end)(nil, nil))
