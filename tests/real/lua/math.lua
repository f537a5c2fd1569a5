-- SPDX-License-Identifier: Apache-2.0
-- Two C libraries may differ in a function's last digit: ten are compared.
for _, f in ipairs({"sin", "cos", "tan", "exp", "sqrt", "asin", "acos", "atan"}) do
  local out = {f}
  for i = -4, 4 do out[#out + 1] = string.format("%.10g", math[f](i / 4)) end
  print(table.concat(out, " "):gsub("-nan", "nan"))
end
print(string.format("%.10g %.10g %.10g %.10g", math.log(10), math.log(8, 2), math.log(1000, 10), math.atan(1, -1)))
print(math.pi, math.huge, -math.huge, math.maxinteger, math.mininteger, math.ult(1, -1), math.tointeger(3.0), math.tointeger(3.5))
print(7 // 2, -7 // 2, 7 % -3, -7 % 3, 7.5 // 2, -7.5 % 2, 2 ^ 10, 10 / 2, 3 | 4, 7 & 2, 5 ~ 1, ~0, 1 << 62, 1 << 64, -1 >> 60)
print(math.floor(-3.5), math.ceil(-3.5), math.fmod(-7, 3), math.modf(3.75), math.abs(math.mininteger), math.max(1, 2.5), math.min(3, -1))
print(1e308 * 10, 5 // 0.0, 0.1 + 0.2, 100000000000000, 1e14, 123456789012345678, 0x7fffffffffffffff + 1, 1 == 1.0, math.type(1), math.type(1.0), math.type("1"))
math.randomseed(42, 7); local r = {}
for i = 1, 8 do r[i] = math.random(1, 1000000) end print(table.concat(r, " "), string.format("%.17g", math.random()))
local primes, sieve = 0, {}
for i = 2, 50000 do if not sieve[i] then primes = primes + 1; for j = i * i, 50000, i do sieve[j] = true end end end print(primes)
local x = 0.5; for _ = 1, 1000 do x = 3.9 * x * (1 - x) end print(string.format("%.17g", x))
local h = 0; for i = 1, 100000 do h = (h * 31 + i) ~ (h >> 7) end print(h)
