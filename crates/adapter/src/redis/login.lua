-- Lets one member in, or says why not, and changes nothing then. Whoever is put out for it is told on the
-- room's own channel.

local room, member, ticket, node = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local mode, key, members_max = ARGV[6], ARGV[7], tonumber(ARGV[8])
local settled, next_epoch = ARGV[9], ARGV[10]

-- This process and this history of it: another one may have lost logins.
if mode ~= 'whenever' then
  local about = redis.call('INFO', 'server', 'replication')
  local run = string.match(about, 'run_id:(%w+)') .. '/' .. string.match(about, 'master_replid:(%w+)')
  if not string.find(settled, run, 1, true) then
    return {'strange', run}
  end
end

prune()
local is_in = redis.call('ZSCORE', leases, member)
local ghost = key ~= '' and redis.call('HGET', logins, 'k:' .. key)
if ghost == member then
  ghost = false
end
local others = redis.call('ZCARD', leases) - (is_in and 1 or 0) - (ghost and 1 or 0)
if mode == 'first' and others > 0 and not is_in then
  return {'occupied'}
elseif mode ~= 'last' and others >= members_max then
  return {'full'}
end

local leaving = ghost and {ghost} or {}
if mode == 'last' then
  leaving = redis.call('ZRANGE', leases, 0, -1)
end
local told = {'!out', room}
for _, other in ipairs(leaving) do
  local record = other ~= member and read(other)
  if record then
    told[#told + 1] = whole(record.ticket) .. ' ' .. other
    drop(other)
  end
end

local epoch, generation = life()
if not epoch then
  epoch = next_epoch
  redis.call('HSET', logins, 'epoch', epoch)
end
if mode ~= 'whenever' or #told > 2 then
  generation = redis.call('HINCRBY', logins, 'generation', 1)
end
hold(member, ticket, node, key)
touch()
if #told > 2 then
  redis.call('SPUBLISH', channel, table.concat(told, '\n'))
end
return {'in', epoch, generation}
