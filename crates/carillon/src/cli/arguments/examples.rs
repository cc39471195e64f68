//! What each command's help shows at its end.

pub(super) const EXAMPLES: &str = "\
Examples:
  carillon demo                              see it: a page, and tasks that move on it
  carillon                                   a node on 127.0.0.1:8000, its API on 127.0.0.1:8001
  carillon serve --config carillon.toml      the same, by a settings file
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  carillon dead list                         what no node could use, and why
  carillon listen --url http://127.0.0.1:8000 --user 5
  carillon explain message.json              what a worker's message becomes, or why it is refused

Exit codes: 0 stopped as asked, 64 bad settings or arguments, 1 failed.";

pub(super) const PUBLISH: &str = "\
Examples:
  carillon publish message.json --to http://127.0.0.1:8001
  carillon publish tasks.ndjson --to http://127.0.0.1:8001
  worker | carillon publish - --to http://127.0.0.1:8001
  carillon publish tasks.ndjson --to redis://127.0.0.1:6379

FILE holds one JSON message, an array of them, or one on each line (NDJSON).
Over http a node answers what became of each; a key of its API comes from the environment,
CARILLON_API_KEY. Into Redis (redis, redis-sentinel, redis-cluster, or the same with rediss)
messages are added to the stream that nodes read, once they were seen to be well-formed. Which
roots rediss trusts is a setting: CARILLON_REDIS__TLS__CA.
Ends with 1 if a message is refused.";

pub(super) const LISTEN: &str = "\
Examples:
  carillon listen --url http://127.0.0.1:8000 --user 5
  carillon listen --url http://127.0.0.1:8000 --user 5 --since 'user:5@/notice:k3x9-41'
  carillon listen --url https://push.example.com --user 5 --ca ca.crt

Each line is {\"event\",\"args\",\"id\"}; the id of the last one is the next --since.
Where clients need a token, it comes from the environment: CARILLON_TOKEN.
Ends with 0 on ctrl-c, and with 1 when the server ends.";

pub(super) const DEAD: &str = "\
A dead letter is a message that no node could use as it stands: it is no JSON, names no user,
has no event, or could not be published however often it was tried. It is kept for you.

Examples:
  carillon dead list                                    the latest 20, newest first
  carillon dead list --to redis://127.0.0.1:6379 | jq -r .json
  carillon dead replay 1763683200000-0                  hand one in again, as a new message
  carillon dead replay --all                            all, after what was wrong was mended
  carillon dead drop --all --to http://127.0.0.1:8001

A list is a table on a terminal, and a JSON line for each letter in a pipe.
Without --to they are looked for in the Redis of the settings (redis.url), or else asked of the
node on 127.0.0.1:8001. A key of its API comes from the environment: CARILLON_API_KEY.
What is replayed and still cannot be used is a dead letter again, under another id.";

pub(super) const TOKEN: &str = "\
Examples:
  carillon token --user 5
  carillon token --user 5 --ttl 10m --room 456 --room 'chat:*'
  io('http://127.0.0.1:8000/notice', { auth: { token } })     in the page

The key is auth.key of the settings: a secret, or a private key as PEM. The first of auth.issuers
and of auth.audiences is named in the token. Whoever has the key can sign for any user.";

pub(super) const PROBE: &str = "\
Examples:
  carillon probe --url http://127.0.0.1:8000 --to http://127.0.0.1:8001
  CARILLON_TOKEN=\"$(carillon token --user carillon-probe)\" carillon probe --url … --to …

A key of the API comes from the environment, CARILLON_API_KEY; and so does, where auth asks for one,
a token of --user: CARILLON_TOKEN. Ends with 1 when a notice does not come in time.";

pub(super) const EXPLAIN: &str = "\
Examples:
  carillon explain message.json
  worker | carillon explain -

Sends nothing. Exits with 1 if a message is refused.";

pub(super) const SOURCES: &str = "\
Settings come from a TOML file, then the environment, then flags; the last one wins:
  [public]
  addr = \"127.0.0.1:9000\"                    in the file of --config or CARILLON_CONFIG
  CARILLON_PUBLIC__ADDR=127.0.0.1:9000       in the environment
  --set public.addr=127.0.0.1:9000           as a flag, or --public-addr 127.0.0.1:9000
";

pub(super) const DEMO: &str = "\
Examples:
  carillon demo                                    then open the address that it prints
  carillon demo --public-addr 127.0.0.1:9000 --internal-addr 127.0.0.1:9001
  carillon listen --url http://127.0.0.1:8000 --user 5     what its user hears, in another terminal

It needs nothing else: without redis.url the bus is in memory. `carillon serve --help` tells of every setting.";

pub(super) const CHECK: &str = "\
Examples:
  carillon check --config carillon.toml
  carillon check --set redis.url=redis://127.0.0.1:6379

Connects to nothing; `carillon doctor` does. Ends with 64 when anything is wrong. `carillon serve --help` tells of
every setting.";

pub(super) const CONFIG: &str = "\
Examples:
  carillon config
  carillon config --config carillon.toml --set drain.grace=10s";

pub(super) const DOCTOR: &str = "\
Examples:
  carillon doctor --config carillon.toml                    this machine, and the Redis of the settings
  carillon doctor --node http://10.0.0.1:8001 --node http://10.0.0.2:8001
  carillon doctor --front https://push.example.com          what stands in front of the nodes

Each line is good, or says what to do. Ends with 1 when something is bad.";

pub(super) const HEALTHCHECK: &str = "\
Examples:
  carillon healthcheck                                      does the node of these settings take clients?
  carillon healthcheck --live                               does its process live?";
