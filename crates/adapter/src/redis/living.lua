-- The nodes whose lease runs, and what each says about itself.
--
-- leases  hash: node -> '<ends at> <token> <about>'

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local living = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends_at, about = string.match(all[i + 1], '^(%d+) %w+ (.*)$')
  if tonumber(ends_at) > now then
    living[#living + 1] = all[i]
    living[#living + 1] = about
  end
end
return living
