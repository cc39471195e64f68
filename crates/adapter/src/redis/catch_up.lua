-- All that a client of the audience must be told, read in one step: epoch, seq, the seq up to which
-- finals may be missing, the seq of the oldest final kept (0: none), what live tasks show, the finals.
-- Nothing at all for an audience that is not counted.

local mode, since_epoch, since = ARGV[1], ARGV[2], tonumber(ARGV[3])

local state = call('HMGET', life, 'epoch', 'seq', 'over_at')
local epoch, seq = living(state[1], state[3]), tonumber(state[2])
if not epoch then
  return {}
end
trim()

-- The finals of the last `since` milliseconds, newest first, a page at a time.
local function within()
  local found, from = {}, '+'
  while true do
    local page = call('XREVRANGE', log, from, '-', 'COUNT', 32)
    for _, entry in ipairs(page) do
      local at = tonumber(string.match(entry[1], '%-(%d+)$'))
      if now - at > since then
        return found
      end
      found[#found + 1] = entry[2][2]
      from = '(' .. entry[1]
    end
    if #page < 32 then
      return found
    end
  end
end

local function after()
  local known = since_epoch == epoch and since <= seq
  local found = {}
  for i, entry in ipairs(call('XRANGE', log, known and whole(since + 1) or '-', '+')) do
    found[i] = entry[2][2]
  end
  return found
end

local finals = mode == 'within' and within() or after()
local oldest = call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
oldest = oldest and tonumber(string.match(oldest[1], '^%d+')) or 0
local ends = call('HMGET', life, 'trimmed', 'renumbered')
local trimmed = math.max(tonumber(ends[1] or 0), tonumber(ends[2] or 0))
return {epoch, seq, trimmed, oldest, notices(false), finals}
