-- Drops what every group has acknowledged, and says how far ours is behind and how much it holds.
-- In one step, so that nothing is read between the question and the cut.

local tasks, group = KEYS[1], ARGV[1]

if redis.call('TYPE', tasks)['ok'] ~= 'stream' then
  return {0, 0}
end

local function parts(id)
  local millis, count = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(millis), tonumber(count), millis, count
end

local function is_before(one, other)
  local millis, count = parts(one)
  local other_millis, other_count = parts(other)
  return millis < other_millis or millis == other_millis and count < other_count
end

-- The id behind this one; or itself where its count is beyond what a number here can tell apart.
local function after(id)
  local _, count, millis, text = parts(id)
  return #text < 16 and millis .. '-' .. string.format('%.0f', count + 1) or id
end

local oldest
local ours
for _, info in ipairs(redis.call('XINFO', 'GROUPS', tasks)) do
  local of = {}
  for i = 1, #info, 2 do
    of[info[i]] = info[i + 1]
  end
  local needed = after(of['last-delivered-id'])
  if of['pending'] > 0 then
    needed = redis.call('XPENDING', tasks, of['name'])[2]
  end
  if not oldest or is_before(needed, oldest) then
    oldest = needed
  end
  if of['name'] == group then
    ours = of
  end
end

-- Without our group, nobody has said what we still need.
if not ours then
  return {redis.call('XLEN', tasks), 0}
end
redis.call('XTRIM', tasks, 'MINID', oldest)
-- Redis does not count the lag once somebody deleted entries; then what is left tells it.
local pending = ours['pending']
return {ours['lag'] or math.max(redis.call('XLEN', tasks) - pending, 0), pending}
