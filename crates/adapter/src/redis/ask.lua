-- Sends a letter to every node whose lease runs but one. Answers with each, and with how many heard.
--
-- ARGV: the asker, what the nodes' channels begin with, the letter

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local asked = {}
local all = redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local ends_at = tonumber(string.match(all[i + 1], '^%d+'))
  if ends_at > now and all[i] ~= ARGV[1] then
    asked[#asked + 1] = all[i]
    asked[#asked + 1] = redis.call('SPUBLISH', ARGV[2] .. all[i], ARGV[3])
  end
end
return asked
