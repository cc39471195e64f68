-- Forgets the consumers that hold nothing and were not seen for long. In one step: whoever reads now is
-- either seen, or reads under a name made anew.

local tasks, group, me, idle_max = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])

if redis.call('TYPE', tasks)['ok'] ~= 'stream' then
  return 0
end

local forgotten = 0
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', tasks, group)) do
  local of = {}
  for i = 1, #info, 2 do
    of[info[i]] = info[i + 1]
  end
  if of['name'] ~= me and of['pending'] == 0 and of['idle'] > idle_max then
    redis.call('XGROUP', 'DELCONSUMER', tasks, group, of['name'])
    forgotten = forgotten + 1
  end
end
return forgotten
