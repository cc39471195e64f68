-- Gives back what a consumer has taken and not finished, the newest first, so that the oldest is next
-- again; unless its lease runs. Says how many went back, and whether all did.

local list, taken, lease, consumers, stamps = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local consumer, is_own, len_max = ARGV[1], ARGV[2] == 'own', tonumber(ARGV[3])

if not is_own and redis.call('EXISTS', lease) == 1 then
  return {0, 1}
end
local count = 0
while count < len_max do
  local entry = redis.call('LPOP', taken)
  if not entry then
    break
  end
  -- The workers' list holds messages as they were pushed; their stamps wait beside it.
  local stamp, message = string.match(entry, '^(%d+%-%d+) (.*)$')
  if stamp then
    redis.call('HSET', stamps, redis.sha1hex(message), stamp)
  end
  redis.call('RPUSH', list, message or entry)
  count = count + 1
end
if redis.call('EXISTS', taken) == 1 then
  return {count, 0}
end
redis.call('SREM', consumers, consumer)
redis.call('DEL', lease)
return {count, 1}
