-- Renews the leases of one node's members in a room: epoch, generation, how many were found lost and put
-- back, and the places in the list of those who were put out.
--
-- A member that is not there was put out if the generation has risen since. If not, the store has lost it,
-- and it takes its place again. In an epoch that the node does not know, everything was lost: places are
-- taken again until somebody has logged in who excludes others.

local node, next_epoch = ARGV[2], ARGV[3]
local out, lost = {}, 0

prune()
local epoch, generation = life()
if not epoch then
  epoch = next_epoch
  redis.call('HSET', logins, 'epoch', epoch)
end
for at = 4, #ARGV, 5 do
  local member, ticket, key = ARGV[at], tonumber(ARGV[at + 1]), ARGV[at + 4]
  local known_epoch, known = ARGV[at + 2], tonumber(ARGV[at + 3])
  local record = read(member)
  local is_lost = generation == 0
  if known_epoch == epoch then
    is_lost = generation <= known
  end
  if record and record.ticket == ticket then
    redis.call('ZADD', leases, whole(now + lease), member)
  elseif record and record.ticket < ticket then
    hold(member, ARGV[at + 1], node, key)
  elseif record then
    -- It has logged in once more since this was asked.
  elseif is_lost then
    if redis.call('HGET', logins, 'k:' .. key) then
      key = ''
    end
    hold(member, ARGV[at + 1], node, key)
    lost = lost + 1
    if known_epoch == epoch then
      generation = known
      redis.call('HSET', logins, 'generation', whole(generation))
    end
  else
    out[#out + 1] = (at - 4) / 5
  end
end
touch()
return {epoch, generation, lost, out}
