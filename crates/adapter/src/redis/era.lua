-- For how long the cluster has known a Redis process, in milliseconds.

local eras, run = KEYS[1], ARGV[1]
-- More than a cluster has primaries. Past it all are as new: that only makes logins wait.
local runs_max = 1000

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local since = redis.call('HGET', eras, run)
if not since then
  if redis.call('HLEN', eras) >= runs_max then
    redis.call('UNLINK', eras)
  end
  since = string.format('%.0f', now)
  redis.call('HSET', eras, run, since)
end
return now - tonumber(since)
