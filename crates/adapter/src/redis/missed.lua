-- All that somebody has missed who has had everything up to `since`: epoch, seq, the seq up to which something
-- may be missing, what live tasks show, the finals, the plain notices. Without `since` only the first three.
-- Nothing at all for an audience that is not counted.

local since = tonumber(ARGV[1])

local state = call('HMGET', life, 'epoch', 'seq', 'over_at')
local epoch = living(state[1], state[3])
if not epoch then
  return {}
end
trim()
local ends = call('HMGET', life, 'trimmed', 'renumbered', 'lost', 'plain')
local gone = math.max(tonumber(ends[1] or 0), tonumber(ends[2] or 0), tonumber(ends[3] or 0))
if call('XLEN', recent) == 0 then
  gone = math.max(gone, tonumber(ends[4] or 0))
end
if not since then
  return {epoch, state[2], whole(gone)}
end

local function after(stream)
  local found = {}
  for i, entry in ipairs(call('XRANGE', stream, whole(since + 1), '+')) do
    found[i] = entry[2][2]
  end
  return found
end

return {epoch, state[2], whole(gone), notices(false), after(log), after(recent)}
