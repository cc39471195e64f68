-- Takes or renews a node's lease, and forgets those that are over. The other scripts over `leases` say what
-- it holds.
--
-- ARGV: node, token, length in ms, nodes at most, about
-- Answers how many live, this one too.

local leases = KEYS[1]
local node, token, lease, len_max, about =
  ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local all = redis.call('HGETALL', leases)
local last_end = now + lease
for i = 1, #all, 2 do
  local ends_at = tonumber(string.match(all[i + 1], '^%d+'))
  if ends_at <= now then
    redis.call('HDEL', leases, all[i])
  else
    last_end = math.max(last_end, ends_at)
  end
end
if redis.call('HLEN', leases) >= len_max and redis.call('HEXISTS', leases, node) == 0 then
  return 'full'
end
redis.call('HSET', leases, node, string.format('%.0f %s %s', now + lease, token, about))
redis.call('PEXPIREAT', leases, string.format('%.0f', last_end))
return redis.call('HLEN', leases)
