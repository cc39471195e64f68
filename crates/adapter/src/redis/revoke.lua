-- Puts something on the list of what is revoked.
--
-- ends     sorted set: whom it is about -> until when it is kept, in ms
-- marks    sorted set: whom it is about -> when it was put there last, in ms, no two alike
-- befores  hash: whom it is about -> what was issued before this is refused, in ms
--
-- ARGV: whom, before in ms, keep in ms, entries at most

local ends, marks, befores = KEYS[1], KEYS[2], KEYS[3]
local whom, before = ARGV[1], tonumber(ARGV[2])
local keep, len_max = tonumber(ARGV[3]), tonumber(ARGV[4])
-- Nodes that hand back what they know, each by its own clock, change nothing.
local slack = 1000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for _, over in ipairs(redis.call('ZRANGE', ends, '-inf', now, 'BYSCORE', 'LIMIT', 0, 1000)) do
  redis.call('ZREM', ends, over)
  redis.call('ZREM', marks, over)
  redis.call('HDEL', befores, over)
end

local known_end = tonumber(redis.call('ZSCORE', ends, whom) or 0)
local known_before = tonumber(redis.call('HGET', befores, whom) or 0)
if known_end == 0 and redis.call('ZCARD', ends) >= len_max then
  return 'full'
end
if known_end > 0 and known_before >= before and known_end + slack >= now + keep then
  return 'known'
end

local last = tonumber(redis.call('ZRANGE', marks, 0, 0, 'REV', 'WITHSCORES')[2] or 0)
local function text(number)
  return string.format('%.0f', number)
end
redis.call('ZADD', ends, text(math.max(known_end, now + keep)), whom)
redis.call('ZADD', marks, text(math.max(now, last + 1)), whom)
redis.call('HSET', befores, whom, text(math.max(known_before, before)))
local last_end = redis.call('ZRANGE', ends, 0, 0, 'REV', 'WITHSCORES')[2]
for _, key in ipairs(KEYS) do
  redis.call('PEXPIREAT', key, text(tonumber(last_end)))
end
return 'noted'
