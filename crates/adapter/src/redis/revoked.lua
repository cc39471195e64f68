-- What was put on the list of what is revoked after a mark, oldest first: a new mark, whether there is more,
-- and of each entry whom it is about, before when, and how long it is still kept.
--
-- ARGV: mark, entries at most

local ends, marks, befores = KEYS[1], KEYS[2], KEYS[3]
local mark, len_max = ARGV[1], tonumber(ARGV[2])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local last = redis.call('ZRANGE', marks, 0, 0, 'REV', 'WITHSCORES')[2] or '0'
if tonumber(mark) > tonumber(last) then
  mark = '0'
end
if mark == last then
  return { last, 0 }
end
local found =
  redis.call('ZRANGE', marks, '(' .. mark, '+inf', 'BYSCORE', 'LIMIT', 0, len_max, 'WITHSCORES')
local said = { last, 0 }
if #found == 2 * len_max and found[#found] ~= last then
  said = { found[#found], 1 }
end
for i = 1, #found, 2 do
  local left = tonumber(redis.call('ZSCORE', ends, found[i]) or 0) - now
  local before = redis.call('HGET', befores, found[i])
  if left > 0 and before then
    said[#said + 1] = found[i]
    said[#said + 1] = before
    said[#said + 1] = string.format('%.0f', left)
  end
end
return said
