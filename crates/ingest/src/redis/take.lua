-- Takes up to so many messages from the list, the oldest first, and says what time it is. The consumer's
-- lease is written with it: there is never something taken by one whom nobody will look for.

local list, taken, lease, consumers = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local consumer, lease_millis, len_max = ARGV[1], ARGV[2], tonumber(ARGV[3])

redis.call('SADD', consumers, consumer)
redis.call('SET', lease, '1', 'PX', lease_millis)

local time = redis.call('TIME')
local answer = {tonumber(time[1]), tonumber(time[2])}
for i = 1, len_max do
  local message = redis.call('LMOVE', list, taken, 'RIGHT', 'LEFT')
  if not message then
    break
  end
  answer[#answer + 1] = message
end
return answer
