-- What is done with a seat that is held for its client: a hash of `head` (whose it is), `holder` (at which node it
-- sits, or sat last) and, of each audience that it is in, where it stands. Whoever does something with it says who
-- it takes for the holder; another one changes nothing.

local seat = KEYS[1]
local deed, holder, held = ARGV[1], ARGV[2], ARGV[3]

local call = redis.call
local known = call('HGET', seat, 'holder')

if deed == 'keep' then
  if known and known ~= holder then
    return 'taken'
  end
  call('DEL', seat)
  call('HSET', seat, 'holder', holder, unpack(ARGV, 4))
  call('PEXPIRE', seat, held)
  return 'held'
end
if not known then
  return 'unknown'
elseif known ~= holder then
  return 'taken'
elseif deed == 'renew' then
  call('PEXPIRE', seat, held)
elseif deed == 'take' then
  call('HSET', seat, 'holder', ARGV[4])
  call('PEXPIRE', seat, held)
elseif deed == 'give_up' then
  call('DEL', seat)
end
return 'held'
