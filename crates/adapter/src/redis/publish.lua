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

-- A full table is not searched again before something in it can have expired.
local function has_room()
  if redis.call('HLEN', heads) < tasks_max then
    return true
  end
  local full_until = redis.call('HGET', life, 'full_until')
  if full_until and now < tonumber(full_until) then
    return false
  end
  local next_end = prune()
  if redis.call('HLEN', heads) < tasks_max then
    return true
  end
  redis.call('HSET', life, 'full_until', whole(next_end))
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

local epoch = redis.call('HGET', life, 'epoch')
local last

if kind ~= 'n' and epoch then
  local head = redis.call('HGET', heads, task)
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
  end
end

if not epoch then
  epoch = next_epoch
  redis.call('UNLINK', heads, shown, log)
  redis.call('HSET', life, 'epoch', epoch)
end
local seq = whole(redis.call('HINCRBY', life, 'seq', 1))
local notice = epoch .. '-' .. seq .. '\n' .. envelope

if kind ~= 'n' then
  if stamp == '' then
    stamp = stored_after(last)
  end
  redis.call('HSET', heads, task, table.concat({kind, whole(now), version, stamp, seq}, ' '))
  redis.call('HSET', shown, task, notice)
end
if kind == 'f' then
  redis.call('XADD', log, seq .. '-' .. whole(now), 'notice', notice)
  trim()
end

-- Whatever is kept of an audience goes at one moment, which only moves ahead.
local ages = {p = live_age, f = math.max(ended_age, finals_age), n = quiet_age}
local until_at = math.max(now + ages[kind], redis.call('PEXPIRETIME', life))
for _, key in ipairs({life, heads, shown, log}) do
  redis.call('PEXPIREAT', key, whole(until_at))
end

return {'accepted', epoch, tonumber(seq), redis.call('SPUBLISH', channel, notice)}
