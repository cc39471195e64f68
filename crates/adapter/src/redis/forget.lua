-- Forgets every run of a task, and says how many there were.

local task = ARGV[1]
local runs = task .. ':'
local count = 0

prune()
for _, key in ipairs(call('HKEYS', heads)) do
  if key == task or string.sub(key, 1, #runs) == runs then
    drop(key)
    count = count + 1
  end
end
return count
