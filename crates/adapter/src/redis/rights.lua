-- Which commands our user may not run. Redis looks at that before it looks at the arguments, so each is called with some
-- that do nothing but fit, on keys that are gone afterwards.
--
-- KEYS: one of our own, which no other script names
-- ARGV: calls, each as `name arguments…`, with `KEY` where the key stands

local denied = {}
for _, call in ipairs(ARGV) do
  local words = {}
  for word in string.gmatch(call, '%S+') do
    words[#words + 1] = word == 'KEY' and KEYS[1] or word
  end
  local answer = redis.pcall(unpack(words))
  local said = type(answer) == 'table' and answer.err or ''
  if string.find(said, 'ACL failure') or string.find(said, 'NOPERM') or string.find(said, "can't run this command")
    or string.find(said, "can't access") then
    denied[#denied + 1] = call
  end
  -- One of the two may be what is denied.
  redis.pcall('UNLINK', KEYS[1])
  redis.pcall('DEL', KEYS[1])
end
return denied
