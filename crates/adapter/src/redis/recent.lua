-- Keeps a plain notice for those who come back to their seats: under the id <seq>-<at> in a stream that is gone
-- when nothing was added for so long that nobody may come back to it. `life` says of which seq the newest plain
-- notice is (plain), of which the newest one that is kept no more (lost), and how much the stream
-- holds (recent_bytes).
local function keep_recent(life, recent, seq, now, notice)
  local call = redis.call
  local len = call('XLEN', recent)
  local before = call('HMGET', life, 'plain', 'recent_bytes')
  if len == 0 and before[1] then
    -- What there was has expired.
    call('HSET', life, 'lost', before[1])
  end
  local bytes = len > 0 and tonumber(before[2] or 0) or 0
  local number = string.format('%.0f', seq)
  call('XADD', recent, number .. '-' .. string.format('%.0f', now), 'notice', notice)
  len, bytes = len + 1, bytes + #notice
  while len > 0 and (len > recent_len_max or bytes > recent_bytes_max) do
    local oldest = call('XRANGE', recent, '-', '+', 'COUNT', 1)[1]
    call('XDEL', recent, oldest[1])
    call('HSET', life, 'lost', string.match(oldest[1], '^%d+'))
    len, bytes = len - 1, bytes - #oldest[2][2]
  end
  call('HSET', life, 'plain', number, 'recent_bytes', bytes)
  call('PEXPIREAT', recent, string.format('%.0f', now + recent_age))
end
