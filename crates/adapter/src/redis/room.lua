-- What the scripts over one room's logins share: its keys, the clock, and the length of a lease. Every such
-- script is this file and one of the others behind it, so that all of it runs in one step.
--
-- logins  hash: epoch, generation, and of every member
--           m:<member>  its ticket, the node's number for that login; the node; its resume key or nothing:
--                       a line each, for no name holds a line end
--           k:<key>     the member that holds the key
-- leases  sorted set: member -> when it stops counting
--
-- The generation rises with every login that excludes others and with every putting out. Both keys outlive
-- the last lease by another one, so that whoever was put out and did not hear it finds the generation risen.

local logins, leases, channel = KEYS[1], KEYS[2], KEYS[3]
local lease = tonumber(ARGV[1])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number)
  return string.format('%.0f', number)
end

local function read(member)
  local record = redis.call('HGET', logins, 'm:' .. member)
  if not record then
    return nil
  end
  local ticket, node, key = string.match(record, '^(%d+)\n([^\n]*)\n([^\n]*)$')
  return {ticket = tonumber(ticket), node = node, key = key}
end

local function drop(member)
  local record = read(member)
  if record and record.key ~= '' and redis.call('HGET', logins, 'k:' .. record.key) == member then
    redis.call('HDEL', logins, 'k:' .. record.key)
  end
  redis.call('HDEL', logins, 'm:' .. member)
  redis.call('ZREM', leases, member)
end

local function hold(member, ticket, node, key)
  drop(member)
  redis.call('HSET', logins, 'm:' .. member, table.concat({ticket, node, key}, '\n'))
  if key ~= '' then
    redis.call('HSET', logins, 'k:' .. key, member)
  end
  redis.call('ZADD', leases, whole(now + lease), member)
end

-- Forgets members whose lease is over.
local function prune()
  for _, member in ipairs(redis.call('ZRANGE', leases, '-inf', whole(now), 'BYSCORE')) do
    drop(member)
  end
end

local function life()
  local found = redis.call('HMGET', logins, 'epoch', 'generation')
  return found[1], tonumber(found[2] or 0)
end

local function touch()
  redis.call('PEXPIREAT', logins, whole(now + lease * 2))
  redis.call('PEXPIREAT', leases, whole(now + lease * 2))
end
