-- What is done with a seat that is held for its client: a hash of `head` (whose it is), `holder` (at which node it
-- sits, or sat last) and, of each audience that it is in, where it stands. Whoever does something with it says who
-- it takes for the holder; another one changes nothing.

local seat = KEYS[1]
local deed, holder, held = ARGV[1], ARGV[2], ARGV[3]

local call = redis.call
local known = call('HGET', seat, 'holder')

local function hold_on()
  local time = call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  call('PEXPIREAT', seat, string.format('%.0f', now + held))
end

if deed == 'keep' then
  if known and known ~= holder then
    return 'taken'
  end
  call('UNLINK', seat)
  call('HSET', seat, 'holder', holder, unpack(ARGV, 4))
  hold_on()
  return 'held'
end
if not known then
  return 'unknown'
elseif known ~= holder then
  return 'taken'
elseif deed == 'renew' then
  hold_on()
elseif deed == 'take' then
  call('HSET', seat, 'holder', ARGV[4])
  hold_on()
elseif deed == 'give_up' then
  call('UNLINK', seat)
end
return 'held'
