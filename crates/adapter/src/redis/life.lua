-- What the scripts over one audience share: its keys, the clock, and how to read what is kept. Every script
-- is the node's settings as numbers (see scripts.rs), this file and one of the others behind it, so that all
-- of it runs in one step.
--
-- life   hash: epoch, seq (of the newest notice), trimmed (seq of the newest final no longer kept),
--        renumbered (seq up to which numbers may have been given twice, as a primary that took over did),
--        over_at (when all of this is over, and Redis drops it), dated (the last of the four keys that is
--        to expire then; none: they must be told anew), next_end (no task is over before), prune_at (nobody looks
--        for those that are before, while there is room), all_live (no task has ended, as a full table showed)
-- heads  hash: task -> '<p|f> <at> <version|-> <stamp>' of the notice that it shows
-- shown  hash: task -> that notice
-- log    stream: the finals, or all of a room that is kept, each under the id <seq>-<at>
-- recent stream: the latest plain notices, see recent.lua
--
-- A notice is kept and sent as '<epoch>-<seq>', a line end, and the publisher's bytes.

local life, heads, shown, log, channel, recent = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local call = redis.call
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number)
  return string.format('%.0f', number)
end

-- The audience's epoch, unless its time is over.
local function living(epoch, over_at)
  return (not over_at or now < tonumber(over_at)) and epoch
end

local function read(head)
  local kind, at, version, stamp = string.match(head, '^(%a) (%d+) (%S+) (%d+)')
  return {ended = kind == 'f', at = tonumber(at), version = tonumber(version), stamp = stamp}
end

-- When the task is forgotten.
local function ends_at(task)
  return task.at + (task.ended and ended_age or live_age)
end

-- Forgets one task. If it was the last one, its keys are gone, and come back without an end.
local function drop(task)
  call('HDEL', heads, task)
  call('HDEL', shown, task)
  call('HDEL', life, 'dated')
end

-- Forgets the tasks whose time is over, and says when the next one's will be.
local function prune()
  local next_end = math.huge
  local all = call('HGETALL', heads)
  for i = 1, #all, 2 do
    local task_ends_at = ends_at(read(all[i + 1]))
    if task_ends_at <= now then
      drop(all[i])
    else
      next_end = math.min(next_end, task_ends_at)
    end
  end
  return next_end
end

-- What the tasks show, in no order.
local function notices(with_ended)
  local found = {}
  local all = call('HGETALL', heads)
  for i = 1, #all, 2 do
    local task = read(all[i + 1])
    if ends_at(task) > now and (with_ended or not task.ended) then
      found[#found + 1] = call('HGET', shown, all[i])
    end
  end
  return found
end

-- Drops from the log what is too old or too many.
local function trim()
  local len = call('XLEN', log)
  while len > 0 do
    local id = call('XRANGE', log, '-', '+', 'COUNT', 1)[1][1]
    local seq, at = string.match(id, '^(%d+)-(%d+)$')
    if len <= finals_keep and now - tonumber(at) < finals_age then
      return
    end
    call('XDEL', log, id)
    call('HSET', life, 'trimmed', seq)
    len = len - 1
  end
end
