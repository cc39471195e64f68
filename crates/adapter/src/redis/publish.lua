-- Judges notices, one after the other: numbers each, keeps what must be kept, and sends it to all who listen;
-- or says why not, and changes nothing for it. Answers for each in its place.
--
-- Every audience has its six keys. Behind the epoch, should a new life begin, the arguments are for every
-- audience the number of its notices, and of each its kind, its task, version and stamp, and the publisher's
-- bytes. Audiences are together only where all keys are in one place.

local KEYS_LEN, NOTICE_LEN = 6, 5
local next_epoch = ARGV[1]

-- Ends of which a full table loses so many at once, so that it is seldom searched.
local ENDS_LEN = math.ceil(tasks_max / 100)
-- How long nobody looks for tasks that are over while there is room for more.
local prune_every = math.min(slack, live_age, ended_age)

-- The audience that is dealt with, as it stands.
local epoch, seq, over_at, dated, all_live

local function turn_to(place)
  life, heads, shown, log, channel, recent = unpack(KEYS, place, place + KEYS_LEN - 1)
  local state = call('HMGET', life, 'epoch', 'seq', 'over_at', 'dated', 'all_live')
  epoch = living(state[1], state[3])
  seq, dated = tonumber(state[2] or 0), tonumber(state[4] or 0)
  over_at, all_live = tonumber(state[3] or 0), state[5]
end

-- By version where both have one and they differ, else by stamp. What has no stamp is stored now, after
-- all that is shown. Stamps are of one width, so that their texts compare as they do.
local function is_newer(version, stamp, last)
  local number = tonumber(version)
  if number and last.version and number ~= last.version then
    return number > last.version
  end
  return stamp == '' or stamp > last.stamp
end

-- Forgets the tasks that are over, and notes when the next can be: what begins or ends from now on is no sooner.
local function make_room()
  local next_end = math.min(prune(), now + live_age, now + ended_age)
  local prune_at = math.max(next_end, now + prune_every)
  call('HSET', life, 'next_end', whole(next_end), 'prune_at', whole(prune_at))
  dated = 0
end

-- Forgets the tasks that ended first, and says whether there were any.
local function forget_first_ends()
  local ended = {}
  local all = not all_live and call('HGETALL', heads) or {}
  for i = 1, #all, 2 do
    local task = read(all[i + 1])
    if task.ended then
      ended[#ended + 1] = {at = task.at, name = all[i]}
    end
  end
  table.sort(ended, function(one, other) return one.at < other.at end)
  for i = 1, math.min(ENDS_LEN, #ended) do
    drop(ended[i].name)
  end
  if #ended > 0 then
    dated = 0
  elseif not all_live then
    -- Until something ends, nobody need look again.
    all_live = '1'
    call('HSET', life, 'all_live', all_live)
  end
  return #ended > 0
end

-- Whether one more task has a place. A full table is looked through when something in it can be over, and else
-- one now and then, so that what is over does not stay with who stays. An end takes the place of others.
local function has_room(kind)
  local times = call('HMGET', life, 'next_end', 'prune_at')
  local is_full = call('HLEN', heads) >= tasks_max
  if now >= tonumber(times[is_full and 1 or 2] or 0) then
    make_room()
    is_full = call('HLEN', heads) >= tasks_max
  end
  return not is_full or kind == 'f' and forget_first_ends()
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

-- What the task shows, unless that is forgotten.
local function shown_of(task)
  local head = epoch and call('HGET', heads, task)
  local last = head and read(head)
  return last and ends_at(last) > now and last or nil
end

local function refusal(kind, version, stamp, last)
  if not last then
    return epoch and not has_room(kind) and {'full'}
  elseif last.ended then
    return {'after_final'}
  elseif kind == 'f' then
    return nil
  elseif not is_newer(version, stamp, last) then
    return {'superseded'}
  elseif early_by(last) > 0 then
    return {'early', early_by(last), stamp == '' and stored_after(last) or stamp}
  end
end

local function begin_anew()
  -- What an earlier life has left goes; what is of another type is somebody else's, and an error.
  call('HLEN', heads)
  call('HLEN', shown)
  call('XLEN', log)
  call('XLEN', recent)
  epoch, seq, over_at, dated, all_live = next_epoch, 0, 0, 0, nil
  call('UNLINK', life, heads, shown, log, recent)
  call('HSET', life, 'epoch', epoch)
end

-- Whatever is kept of an audience is over at one moment, which only moves ahead: where the age is long, by a
-- bit more than it must, so that it seldom moves. `writes` is the last of the four keys that was written.
local function last_for(age, writes)
  if writes <= dated and over_at >= now + age then
    return
  end
  over_at = math.max(over_at, now + age + (age >= 10 * slack and slack or 0))
  dated = math.max(writes, dated)
  call('HSET', life, 'over_at', whole(over_at), 'dated', dated)
  for _, key in ipairs({life, heads, shown, log}) do
    call('PEXPIREAT', key, whole(over_at))
  end
end

-- The answer that a notice of no task has had, should it be kept under the number that it says it has: then it was
-- told too. In a header a trace may be another with every try; the rest of the notice may not.
local function kept_before(stream, position, envelope)
  local known, number = string.match(position, '^(%w+)%-(%d+)$')
  local entry = epoch and known == epoch and call('XRANGE', stream, number, number)[1]
  local said = entry and string.match(entry[2][2], '^[^\n]*\n[^\n]*(\n.*)$')
  if said and said == string.match(envelope, '^[^\n]*(\n.*)$') then
    return {'accepted', epoch, tonumber(number), 0}
  end
end

local function publish(kind, task, version, stamp, envelope)
  local of_task, is_kept = kind == 'p' or kind == 'f', kind == 'f' or kind == 'k'
  local last = of_task and shown_of(task) or nil
  local refused = of_task and refusal(kind, version, stamp, last)
  if refused then
    return refused
  end
  local before = not of_task and task ~= '' and kept_before(is_kept and log or recent, task, envelope)
  if before then
    return before
  end
  if not epoch then
    begin_anew()
  end
  local number = whole(seq + 1)
  local notice = epoch .. '-' .. number .. '\n' .. envelope
  if of_task then
    stamp = stamp == '' and stored_after(last) or stamp
  end
  -- That a task has ended is written last, and an end is written nowhere where one key is of another type:
  -- so it can be tried again.
  if kind == 'f' then
    call('HLEN', shown)
  end
  if kind == 'n' and recent_age > 0 then
    keep_recent(life, recent, seq + 1, now, notice)
  end
  if is_kept then
    call('XADD', log, number .. '-' .. whole(now), 'notice', notice)
  end
  if of_task then
    call('HSET', shown, task, notice)
    call('HSET', heads, task, kind .. ' ' .. whole(now) .. ' ' .. version .. ' ' .. stamp)
    if kind == 'f' and all_live then
      call('HDEL', life, 'all_live')
      all_live = nil
    end
  end
  if is_kept then
    -- What is too old goes when somebody reads, or now and then.
    if call('XLEN', log) > finals_keep or seq % 16 == 0 then
      trim()
    end
  end
  call('HSET', life, 'seq', number)
  seq = seq + 1
  if kind == 'n' or kind == 'v' then
    last_for(quiet_age, 1)
  elseif kind == 'p' then
    last_for(live_age, 3)
  elseif kind == 'k' then
    last_for(math.max(finals_age, quiet_age), 4)
  else
    last_for(math.max(ended_age, finals_age), 4)
  end
  return {'accepted', epoch, seq, call('SPUBLISH', channel, notice)}
end

-- What the step answers, and whether it was made. A key of a wrong type concerns only those who need it.
local function try(step, ...)
  local done, answer = pcall(step, ...)
  if done then
    return answer, true
  end
  local reason = type(answer) == 'table' and answer.err or answer
  if not string.find(reason, '^WRONGTYPE') then
    error(answer, 0)
  end
  return {'broken', reason}, false
end

local answers, at = {}, 2
for place = 1, #KEYS, KEYS_LEN do
  local broken, is_open = try(turn_to, place)
  local last_at = at + NOTICE_LEN * ARGV[at]
  for from = at + 1, last_at, NOTICE_LEN do
    local answer = is_open and try(publish, unpack(ARGV, from, from + NOTICE_LEN - 1)) or broken
    answers[#answers + 1] = answer
  end
  at = last_at + 1
end
return answers
