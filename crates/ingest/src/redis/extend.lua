-- Extends a lease that is still ours; in no time at all gives it up.

local lease, token, millis = KEYS[1], ARGV[1], tonumber(ARGV[2])

if redis.call('GET', lease) ~= token then
  return 0
end
if millis == 0 then
  return redis.call('DEL', lease)
end
return redis.call('PEXPIRE', lease, millis)
