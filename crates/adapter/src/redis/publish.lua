-- Judges one notice, numbers it, keeps what must be kept, and sends it to all who listen; or says why
-- not, and changes nothing.

local kind, task, version, stamp = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local quiet_age, tasks_max = tonumber(ARGV[9]), tonumber(ARGV[10])
local next_epoch, envelope = ARGV[11], ARGV[12]
local pace = tonumber(ARGV[13])

-- By version where both have one and they differ, else by stamp. What has no stamp is stored now, after
-- all that is shown. Stamps are of one width, so that their texts compare as they do.
local function is_newer(last)
  local number = tonumber(version)
  if number and last.version and number ~= last.version then
    return number > last.version
  end
  return stamp == '' or stamp > last.stamp
end

-- The last of the four keys that this kind writes. Redis need not be told often when they expire: they may
-- stay so much longer than they are of use.
local writes = kind == 'n' and 1 or kind == 'p' and 3 or 4
local SLACK = 60000

-- A full table is not searched again before something in it can have expired.
local function has_room()
  if call('HLEN', heads) < tasks_max then
    return true
  end
  local full_until = call('HGET', life, 'full_until')
  if full_until and now < tonumber(full_until) then
    return false
  end
  local next_end = prune()
  if call('HLEN', heads) < tasks_max then
    return true
  end
  call('HSET', life, 'full_until', whole(next_end))
  return false
end

-- Store time; or, should that not be after what is shown, one tick after it.
local function stored_after(last)
  local clock = string.format('%020.0f', now) .. string.rep('0', 36)
  if not last or clock > last.stamp then
    return clock
  end
  local tick = tonumber(string.sub(last.stamp, 41)) + 1
  return string.sub(last.stamp, 1, 40) .. string.format('%016.0f', tick)
end

-- How long the task's last progress is still too young to be followed by another. Should the clock have
-- been set back, nobody waits for it.
local function early_by(last)
  local age = now - last.at
  return age >= 0 and pace - age or 0
end

local state = call('HMGET', life, 'epoch', 'seq', 'over_at', 'expires_at', 'dated')
local epoch = living(state[1], state[3])
local last

if writes > 1 and epoch then
  local head = call('HGET', heads, task)
  last = head and read(head)
  if last and ends_at(last) <= now then
    last = nil
  end
  if last and last.ended then
    return {'after_final'}
  elseif last and kind == 'p' and not is_newer(last) then
    return {'superseded'}
  elseif last and kind == 'p' and early_by(last) > 0 then
    return {'early', early_by(last), stamp == '' and stored_after(last) or stamp}
  elseif not last and not has_room() then
    return {'full'}
  elseif not last then
    -- To make room may have emptied keys.
    state[5] = call('HGET', life, 'dated')
  end
end

if not epoch then
  epoch, state = next_epoch, {}
  call('UNLINK', life, heads, shown, log)
  call('HSET', life, 'epoch', epoch)
end
local seq = whole((state[2] or 0) + 1)
local notice = epoch .. '-' .. seq .. '\n' .. envelope

if writes > 1 then
  if stamp == '' then
    stamp = stored_after(last)
  end
  call('HSET', heads, task, kind .. ' ' .. whole(now) .. ' ' .. version .. ' ' .. stamp .. ' ' .. seq)
  call('HSET', shown, task, notice)
end
if kind == 'f' then
  call('XADD', log, seq .. '-' .. whole(now), 'notice', notice)
  trim()
end

-- Whatever is kept of an audience is over at one moment, which only moves ahead.
local age = writes == 1 and quiet_age or kind == 'p' and live_age or math.max(ended_age, finals_age)
local over_at = math.max(now + age, tonumber(state[3] or 0))
local dated = tonumber(state[5] or 0)
if writes <= dated and over_at <= tonumber(state[4]) then
  call('HSET', life, 'seq', seq, 'over_at', whole(over_at))
else
  local expires_at = whole(over_at + math.min(SLACK, age / 10))
  dated = math.max(writes, dated)
  call('HSET', life, 'seq', seq, 'over_at', whole(over_at), 'expires_at', expires_at, 'dated', dated)
  for place = 1, 4 do
    call('PEXPIREAT', KEYS[place], expires_at)
  end
end

return {'accepted', epoch, tonumber(seq), call('SPUBLISH', channel, notice)}
