-- Gives back the leases of members, unless they have logged in once more since.

for at = 2, #ARGV, 2 do
  local member, ticket = ARGV[at], tonumber(ARGV[at + 1])
  local record = read(member)
  if record and record.ticket <= ticket then
    drop(member)
  end
end
touch()
return 1
