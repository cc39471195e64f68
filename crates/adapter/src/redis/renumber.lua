-- What a node has heard may be more than this primary was told before it took over, so that it gave, or
-- would give, a number a second time. The count goes on behind both, and cursors up to there see a gap.
-- Answers 1 if the life is the one that was heard, else 0.

local heard_epoch, heard_seq = ARGV[1], tonumber(ARGV[2])

local state = call('HMGET', life, 'epoch', 'seq', 'over_at', 'renumbered')
if living(state[1], state[3]) ~= heard_epoch then
  return 0
end
local renumbered = tonumber(state[4] or 0)
-- Unless another node has done it, and had heard as much.
if renumbered <= heard_seq then
  local seq = math.max(tonumber(state[2]), heard_seq) + 1
  call('HSET', life, 'seq', whole(seq), 'renumbered', whole(seq))
end
return 1
