-- Gives a node's lease back, unless another process has taken it since.
--
-- ARGV: node, token

local held = redis.call('HGET', KEYS[1], ARGV[1])
if held and string.match(held, '^%d+ (%w+) ') == ARGV[2] then
  redis.call('HDEL', KEYS[1], ARGV[1])
end
return 'left'
