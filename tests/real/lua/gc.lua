-- SPDX-License-Identifier: Apache-2.0
-- Every mode of the collector, far more garbage than there is heap.
local function churn(rounds)
  local keep, sum = {}, 0
  for i = 1, rounds do
    local t = {i, tostring(i), {i}, function() return i end}
    keep[i % 1000 + 1] = t; sum = sum + #t[2] + t[4]()
  end
  return sum
end
collectgarbage("generational"); print(churn(150000))
collectgarbage("incremental"); print(churn(150000))
collectgarbage("stop"); print(churn(5000)); collectgarbage("restart"); collectgarbage(); print(collectgarbage("count") < 20000, collectgarbage("isrunning"))
local finalised = 0
for i = 1, 5000 do setmetatable({}, {__gc = function() finalised = finalised + 1 end}) end
collectgarbage(); collectgarbage(); print(finalised)
local weak = setmetatable({}, {__mode = "v"}); for i = 1, 100 do weak[i] = {} end weak.keep = print; collectgarbage()
local left = 0; for _ in pairs(weak) do left = left + 1 end print(left)
local big = {}; for i = 1, 300 do big[i % 3 + 1] = ("x"):rep(200000 + i) end print(#big[1], #big[2], #big[3])
local s = ""; for i = 1, 3000 do s = s .. i end print(#s)
