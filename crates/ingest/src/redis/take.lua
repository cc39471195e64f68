-- Takes up to so many messages from the list, the oldest first, each behind the stamp of its first intake and
-- a space. The consumer's lease is written with it: there is never something taken by one whom nobody will
-- look for.

local list, taken, lease, consumers, stamps = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local consumer, lease_millis, len_max = ARGV[1], ARGV[2], tonumber(ARGV[3])

redis.call('SADD', consumers, consumer)
redis.call('SET', lease, '1', 'PX', lease_millis)

-- What was given back keeps the stamp that it has. Without any such, nothing is looked up.
local has_stamps = redis.call('EXISTS', stamps) == 1
local function kept(message)
  local name = has_stamps and redis.sha1hex(message)
  local stamp = name and redis.call('HGET', stamps, name)
  if stamp then
    redis.call('HDEL', stamps, name)
  end
  return stamp
end

-- The store's time, and behind it the place in this answer.
local time = redis.call('TIME')
local millis = time[1] * 1000 + math.floor(time[2] / 1000)
local answer = {}
for place = 1, len_max do
  local message = redis.call('RPOP', list)
  if not message then
    redis.call('DEL', stamps)
    break
  end
  local stamp = kept(message) or string.format('%.0f-%.0f', millis, time[2] % 1000 * 10000 + place - 1)
  local entry = stamp .. ' ' .. message
  redis.call('LPUSH', taken, entry)
  answer[place] = entry
end
return answer
