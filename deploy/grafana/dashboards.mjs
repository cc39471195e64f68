// The four dashboards, made of what docs/metrics.md names. After a change: `node deploy/grafana/dashboards.mjs`, which writes them to
// helm/carillon/files/dashboards, where the chart and docker-compose.yml find them.

import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { NODES, RELEASES, dashboard, number, plot, quantile, rate } from './panel.mjs';

const gauge = (metric, by) => `sum by (${by}) (${metric}{${NODES}})`;
const hour = (record) => `max(carillon:${record}:ratio_rate1h{${RELEASES}})`;

const numbers = () => [
  number('Nodes', 'short', 'Nodes that answer Prometheus.', `count(carillon_build_info{${NODES}}) or vector(0)`, [1, 'below']),
  number('Sockets', 'short', 'Seats taken, one per socket and namespace.', `sum(carillon_sockets{${NODES}})`),
  number('Deliveries', 'ops', 'Notices sent to sockets, a second.', `sum(rate(carillon_deliveries_total{${NODES}}[$__rate_interval]))`),
  number('Failed handshakes', 'percentunit', 'Of the last hour, for reasons of the server. The objective is 0.1 %.',
    hour('handshake_failures'), [0.001, 'above']),
  number('Late deliveries', 'percentunit', 'Of the last hour, those that took 250 ms to 10 s. The objective is 1 %.',
    hour('slow_deliveries'), [0.01, 'above']),
  number('Alerts', 'short', 'Alerts of ours that fire; docs/runbooks has a page for each.',
    `count(ALERTS{alertname=~"Carillon.+", alertstate="firing", ${RELEASES}}) or vector(0)`, [1, 'above']),
];

const latency = () => plot('Delivery latency', 's', 'From the hand-in of a worker to the write to a socket, or into its queue. The objective: 99 % below 250 ms. What clients that were away are told when they come back counts with its whole age.',
  [quantile(0.5, 'carillon_delivery_seconds'), 'p50'], [quantile(0.95, 'carillon_delivery_seconds'), 'p95'],
  [quantile(0.99, 'carillon_delivery_seconds'), 'p99']);
const socketsByPod = () => plot('Sockets by node', 'short', 'Nodes that are far apart: the balancer does not count connections, or a node is new. POST /v1/nodes/rebalance evens them out.',
  [gauge('carillon_sockets', 'pod'), '{{pod}}']);
const departures = () => plot('Departures', 'ops', 'Connections that ended, by why. ping_timeout: networks; slow, stalled: readers; drain, rebalance: ours.',
  [rate('carillon_departures_total', 'reason'), '{{reason}}']);

const overview = () => dashboard('overview', 'Overview', 'Whether clients get in and are told in time.', [
  ...numbers(),
  plot('Sockets', 'short', 'Seats taken, by transport. More polling than usual: something in front does not let WebSocket through.',
    [gauge('carillon_sockets', 'transport'), '{{transport}}']),
  plot('Handshakes', 'ops', 'Attempts to take a seat, by what became of them.', [rate('carillon_handshakes_total', 'outcome'), '{{outcome}}']),
  departures(),
  plot('Deliveries', 'ops', 'Notices sent to sockets, by transport.', [rate('carillon_deliveries_total', 'transport'), '{{transport}}']),
  latency(),
  plot('Notices', 'ops', 'What reached the bus, by kind and outcome. Deliveries against notices is the fan-out.',
    [rate('carillon_notices_total', 'kind, outcome'), '{{kind}} {{outcome}}']),
  plot('Budgets, last hour', 'percentunit', 'Failed handshakes (0.1 % may) and late deliveries (1 % may), of the last hour.',
    [`carillon:handshake_failures:ratio_rate1h{${RELEASES}}`, 'failed handshakes, {{job}}'],
    [`carillon:slow_deliveries:ratio_rate1h{${RELEASES}}`, 'late deliveries, {{job}}']),
  plot('Redis', 'bool_yes_no', 'Whether Redis answers, by node.', [`max by (pod) (carillon_redis_up{${NODES}})`, '{{pod}}']),
  socketsByPod(),
  plot('Time to a seat', 's', 'From a client\'s word that it wants a seat until it sits.',
    [quantile(0.5, 'carillon_handshake_seconds'), 'p50'], [quantile(0.99, 'carillon_handshake_seconds'), 'p99']),
  plot('Network', 'Bps', 'What clients send, and what is written for them.',
    [`sum(rate(carillon_received_bytes_total{${NODES}}[$__rate_interval]))`, 'received'],
    [`sum(rate(carillon_sent_bytes_total{${NODES}}[$__rate_interval]))`, 'sent']),
  plot('Nodes seen', 'short', 'How many nodes each sees on the bus. They differ: the cluster is split.', [gauge('carillon_cluster_nodes', 'pod'), '{{pod}}']),
]);

const node = () => dashboard('node', 'Node', 'What a node holds, and who asks too much of it. Choose a pod.', [
  plot('Memory', 'bytes', 'What the process has in memory. Near limits.memory newcomers are refused.', [gauge('carillon_memory_bytes', 'pod'), '{{pod}}']),
  plot('Waiting for slow sockets', 'bytes', 'What waits in memory for sockets that do not read as fast as they are sent to.',
    [gauge('carillon_queue_bytes', 'pod'), '{{pod}}']),
  plot('Sockets', 'short', 'Seats taken, by protocol and transport.', [gauge('carillon_sockets', 'protocol, transport'), '{{protocol}} {{transport}}']),
  plot('Deliveries', 'ops', 'The work of each node.', [rate('carillon_deliveries_total', 'pod'), '{{pod}}']),
  plot('Delivery latency, p99', 's', 'The upper quantiles rise first when a node is short of CPU.', [quantile(0.99, 'carillon_delivery_seconds', 'pod'), '{{pod}}']),
  departures(),
  plot('Refused at the door', 'ops', 'Handshakes that took no seat, by why: docs/limits.md has each limit.',
    [rate('carillon_handshakes_total', 'outcome', 'outcome!="seated"'), '{{outcome}}']),
  plot('Not passed on', 'ops', 'By why. superseded is the design at work.', [rate('carillon_dropped_total', 'reason'), '{{reason}}']),
  plot('Events of clients', 'ops', 'What clients say, by what became of it.', [rate('carillon_client_events_total', 'outcome'), '{{outcome}}']),
  plot('TLS handshakes', 'ops', 'On the ports that speak TLS, by what became of them.',
    [rate('carillon_tls_handshakes_total', 'port, outcome'), '{{port}} {{outcome}}']),
  plot('Certificates', 's', 'How long the certificates that are shown still hold.',
    [`min by (port) (carillon_tls_certificate_expires_seconds{${NODES}})`, '{{port}}']),
  plot('Questions to the backend', 'ops', 'Of auth.hook.url, by what became of them.', [rate('carillon_auth_questions_total', 'outcome'), '{{outcome}}']),
  plot('Answers of the backend', 's', 'How long auth.hook.url takes. Near auth.hook.timeout clients are told to come again.',
    [quantile(0.5, 'carillon_auth_question_seconds'), 'p50'], [quantile(0.99, 'carillon_auth_question_seconds'), 'p99']),
  plot('Acknowledgements', 'ops', 'Sockets that were asked for one, by what became of it.', [rate('carillon_acks_total', 'outcome'), '{{outcome}}']),
  plot('Sessions of other nodes', 'ops', 'Requests for them, by what became of them. They grow with the requests: nothing in front is sticky.',
    [rate('carillon_forwarded_total', 'outcome'), '{{outcome}}']),
  plot('Rooms and memberships', 'short', 'Audiences, the rooms among them, and the members of all. Rooms that are never left make them grow.',
    [`sum(carillon_audiences{${NODES}})`, 'audiences'], [`sum(carillon_rooms{${NODES}})`, 'rooms'],
    [`sum(carillon_memberships{${NODES}})`, 'memberships']),
  plot('Packets from clients', 'pps', 'As Engine.IO names them.', [rate('carillon_packets_received_total', 'type'), '{{type}}']),
  plot('Packets for clients', 'pps', 'As Engine.IO names them.', [rate('carillon_packets_sent_total', 'type'), '{{type}}']),
  plot('Bytes', 'Bps', 'What clients send each node, and what it writes for them.',
    [rate('carillon_received_bytes_total', 'pod'), 'received {{pod}}'], [rate('carillon_sent_bytes_total', 'pod'), 'sent {{pod}}']),
  plot('Changes to WebSocket', 'ops', 'Sessions that polled and asked for a WebSocket. failed: something in front lets it begin and cuts it.',
    [rate('carillon_upgrades_total', 'outcome'), '{{outcome}}']),
  plot('Time to an acknowledgement', 's', 'From a question to a socket until its answer, of those that came.',
    [quantile(0.5, 'carillon_ack_seconds'), 'p50'], [quantile(0.99, 'carillon_ack_seconds'), 'p99']),
  plot('How long connections lasted', 's', 'Of those that ended. Short ones: pages in a loop, or something in front that cuts.',
    [quantile(0.1, 'carillon_session_seconds'), 'p10'], [quantile(0.5, 'carillon_session_seconds'), 'p50']),
  plot('Runtime lag', 's', 'How late a task runs that is due. It rises: too little CPU, or a call that blocks.',
    [quantile(0.99, 'carillon_runtime_lag_seconds', 'pod'), '{{pod}}']),
  plot('Tunnels', 'short', 'WebSockets that go on from here to another node.', [gauge('carillon_tunnels', 'pod'), '{{pod}}']),
  plot('Turned away by the API', 'ops', 'Calls of the internal port without the key that they need.', [rate('carillon_api_refused_total', 'outcome'), '{{outcome}}']),
]);

const bus = () => dashboard('bus', 'Bus and ingest', 'From workers through Redis to the nodes.', [
  plot('Redis', 'bool_yes_no', 'Whether Redis answers, by node. No on all: Redis is away; on one: its way there is.',
    [`max by (pod) (carillon_redis_up{${NODES}})`, '{{pod}}']),
  plot('There and back through Redis', 's', 'Every 5 s each node sends itself a message.',
    [quantile(0.5, 'carillon_bus_canary_seconds'), 'p50'], [quantile(0.99, 'carillon_bus_canary_seconds'), 'p99']),
  plot('Calls to Redis, p99', 's', 'By what they are for. All rise: Redis, or the way there.',
    [quantile(0.99, 'carillon_redis_call_seconds', 'call'), '{{call}}']),
  plot('Calls to Redis', 'ops', 'By what they are for, and those without an answer of use.',
    [rate('carillon_redis_call_seconds_count', 'call'), '{{call}}'], [rate('carillon_redis_call_failures_total', 'call'), 'failed: {{call}}']),
  plot('Connections made anew', 'ops', 'To Redis. A steady rise: something between closes them.',
    [rate('carillon_redis_reconnects_total', 'connection'), '{{connection}}']),
  plot('Handed to the bus', 'ops', 'By what became of it.', [rate('carillon_bus_publish_total', 'outcome'), '{{outcome}}']),
  plot('Worker messages', 'ops', 'By where they came from, and what became of them.',
    [rate('carillon_ingest_messages_total', 'source, outcome'), '{{source}} {{outcome}}']),
  plot('Queue', 'short', 'Messages that nobody has read, and messages that were read and are not acknowledged; the same on every node.',
    [`max(carillon_ingest_lag_messages{${NODES}})`, 'unread'], [`max(carillon_ingest_pending_messages{${NODES}})`, 'in hand']),
  plot('Dead letters', 'short', 'Messages that nobody could use, of the last hour: carillon dead list.',
    [`sum by (reason) (increase(carillon_dead_letters_total{${NODES}}[1h]))`, '{{reason}}']),
  plot('Left out for newer progress', 'ops', 'The design at work.', [rate('carillon_conflated_total', 'pod'), '{{pod}}']),
  plot('Read again from the store', 'ops', 'Audiences, by why. lost: Redis lost what it had accepted.', [rate('carillon_bus_repairs_total', 'cause'), '{{cause}}']),
  plot('No room for', 'ops', 'Messages of other nodes that a node had no room for, and envelopes that it could not read.',
    [rate('carillon_bus_dropped_total', 'reason'), '{{reason}}'], [rate('carillon_bus_unreadable_total', 'pod'), 'unreadable {{pod}}']),
  plot('Subscribed anew', 'ops', 'Because a message of the node to itself did not come back though Redis answered.', [rate('carillon_bus_rebuilds_total', 'pod'), '{{pod}}']),
  plot('Deaf', 'bool_yes_no', 'Nodes that hear nothing of what is published while another does.', [`max by (pod) (carillon_deaf{${NODES}})`, '{{pod}}']),
  plot('Asked of other nodes', 'ops', 'By what became of it. no_answer, unheard: a node was killed, hangs, or does not hear.',
    [rate('carillon_node_requests_total', 'outcome'), '{{outcome}}']),
  plot('Signals lost', 'ops', 'Between nodes, by why, and messages of acknowledged emits that did not leave.',
    [rate('carillon_signals_dropped_total', 'reason'), '{{reason}}'], [rate('carillon_relay_lost_total', 'reason'), 'relay {{reason}}']),
  plot('Downlinks', 'ops', 'Calls of /v1/downlink, by what became of them.', [rate('carillon_downlinks_total', 'outcome'), '{{outcome}}']),
  plot('Uplink', 'ops', 'What clients said for the backend, by what became of it.', [rate('carillon_uplink_total', 'kind, outcome'), '{{kind}} {{outcome}}']),
  plot('Logins', 'ops', 'To rooms, by mode and outcome; and who was put out of one.',
    [rate('carillon_logins_total', 'mode, outcome'), '{{mode}} {{outcome}}'], [rate('carillon_put_out_total', 'cause'), 'put out: {{cause}}']),
]);

const drain = () => dashboard('drain', 'Drain and deploys', 'Whether nodes go and come without a client noticing.', [
  plot('Draining', 'short', 'Nodes that go. For long, outside of a deployment: somebody emptied the node.', [`max by (pod) (carillon_draining{${NODES}})`, '{{pod}}']),
  plot('Still to be told', 'short', 'Sockets that are to go to another node. It stands still: the others have no room.', [gauge('carillon_drain_sockets', 'pod'), '{{pod}}']),
  plot('Versions', 'short', 'Nodes by what they run. Two for long: an upgrade is stuck.', [`count by (version) (carillon_build_info{${NODES}})`, '{{version}}']),
  socketsByPod(),
  plot('Let go', 'ops', 'Sockets that we sent to another node, by why.',
    [rate('carillon_departures_total', 'reason', 'reason=~"drain|rebalance|max_age"'), '{{reason}}']),
  plot('Lost', 'ops', 'Sockets that ended and were not sent: in a good deployment it does not rise.',
    [rate('carillon_departures_total', 'reason', 'reason!~"drain|rebalance|max_age|client"'), '{{reason}}']),
  plot('Seated', 'ops', 'Newcomers by node: who comes back, and where to.', [rate('carillon_handshakes_total', 'pod', 'outcome="seated"'), '{{pod}}']),
  plot('Turned away', 'ops', 'By a node that goes (draining), or by one that cannot take so many at once.',
    [rate('carillon_handshakes_total', 'outcome', 'outcome=~"draining|overloaded|accepts|handshakes|memory|no_file"'), '{{outcome}}']),
  latency(),
  plot('Balance', 'none', 'The fullest node against the mean: 1 is even.',
    [`max by (job) (carillon:sockets{${NODES}}) / avg by (job) (carillon:sockets{${NODES}})`, '{{job}}']),
  plot('Files read again', 'ops', 'Certificates and keys that changed, by what came of it.',
    [rate('carillon_tls_certificate_readings_total', 'outcome'), 'certificate {{outcome}}'],
    [rate('carillon_api_key_reads_total', 'outcome'), 'API keys {{outcome}}'], [rate('carillon_auth_key_reads_total', 'outcome'), 'key set {{outcome}}']),
  plot('Revocations', 'short', 'That each node goes by: the same on all, but for those that are new.', [gauge('carillon_revocations', 'pod'), '{{pod}}']),
]);

/** Each file by its name, as it is to be written. */
export function files() {
  const all = { overview: overview(), node: node(), bus: bus(), drain: drain() };
  return Object.entries(all).map(([name, made]) => [`${name}.json`, `${JSON.stringify(made, null, 1)}\n`]);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, text] of files()) writeFileSync(new URL(`../../helm/carillon/files/dashboards/${name}`, import.meta.url), text);
}
