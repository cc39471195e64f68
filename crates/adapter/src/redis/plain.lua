-- Numbers one plain notice and sends it to all who listen. What publish.lua does with one, without what only
-- tasks need: most notices are plain, and to read the rest of the script would cost more than to run this.

local life, channel = KEYS[1], KEYS[5]
local next_epoch, envelope, kind = ARGV[1], ARGV[2], ARGV[3]

local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local state = call('HMGET', life, 'epoch', 'over_at')
local epoch = state[1]
local over_at = tonumber(state[2] or 0)
if not epoch or state[2] and now >= over_at then
  -- What an earlier life has left goes; what is of another type is somebody else's, and an error.
  call('HLEN', KEYS[2])
  call('HLEN', KEYS[3])
  call('XLEN', KEYS[4])
  epoch, over_at = next_epoch, 0
  call('XLEN', KEYS[6])
  call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[6])
  call('HSET', life, 'epoch', epoch)
end
if kind == 'n' and recent_age > 0 then
  call('XLEN', KEYS[6])
end
local seq = call('HINCRBY', life, 'seq', 1)
if over_at < now + quiet_age then
  over_at = string.format('%.0f', now + quiet_age + slack)
  call('HSET', life, 'over_at', over_at, 'dated', call('HGET', life, 'dated') or 1)
  for place = 1, 4 do
    call('PEXPIREAT', KEYS[place], over_at)
  end
end

local notice = epoch .. '-' .. string.format('%.0f', seq) .. '\n' .. envelope
if kind == 'n' and recent_age > 0 then
  keep_recent(life, KEYS[6], seq, now, notice)
end
return {'accepted', epoch, seq, call('SPUBLISH', channel, notice)}
