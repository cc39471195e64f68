// What carillon.js does between the wire and the page. Run by `node --test`; needs nothing installed.

import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";

import {
  SocketHandle,
  Cursor,
  Type,
  backoffMs,
  connect,
  decodePacket,
  decodePayload,
  encodePacket,
  encodePayload,
  isFinal,
  readId,
  reviveBinary,
} from "./carillon.js";

const stamp = (seq, replayed = false, epoch = "e1", audience = "user:5@/notice") => ({
  id: `${audience}:${epoch}-${seq}`,
  replayed,
});

// === Packets

test("a packet is split without touching its json", () => {
  assert.deepEqual(decodePacket('2["a",1]'), {
    type: 2,
    namespace: "/",
    id: null,
    attachments: 0,
    raw: '["a",1]',
  });
  assert.deepEqual(decodePacket('2/notice,12["a, b"]'), {
    type: 2,
    namespace: "/notice",
    id: 12,
    attachments: 0,
    raw: '["a, b"]',
  });
  assert.deepEqual(decodePacket('52-/notice,7["a"]'), {
    type: 5,
    namespace: "/notice",
    id: 7,
    attachments: 2,
    raw: '["a"]',
  });
  assert.equal(decodePacket("1/notice,").raw, "");
  assert.equal(decodePacket("0/notice?user=5,{}").namespace, "/notice");
});

test("what is no packet is refused", () => {
  for (const text of ["", "7", "x", "5[]", "21-[]"]) assert.throws(() => decodePacket(text), SyntaxError);
});

test("every packet survives a round trip, bytes too", () => {
  const bytes = new Uint8Array([0, 1, 254, 255]);
  const data = ["文件 🎉", { deep: [bytes] }, null, bytes.buffer];
  const [text, ...attachments] = encodePacket(Type.EVENT, "/notice", data, 3);
  const packet = decodePacket(text);
  assert.equal(packet.type, Type.BINARY_EVENT);
  assert.equal(packet.attachments, 2);
  assert.deepEqual(reviveBinary(JSON.parse(packet.raw), attachments), [
    "文件 🎉",
    { deep: [bytes.buffer] },
    null,
    bytes.buffer,
  ]);
  assert.deepEqual(encodePacket(Type.CONNECT, "/"), ["0"]);
  assert.deepEqual(encodePacket(Type.ACK, "/", [1], 0), ["30[1]"]);
});

test("a placeholder without its bytes is refused", () => {
  assert.throws(() => reviveBinary({ _placeholder: true, num: 1 }, [new ArrayBuffer(1)]), SyntaxError);
});

test("a poll's body survives a round trip", () => {
  const frames = ['4["文件 🎉"]', new Uint8Array([0, 200]).buffer, "2"];
  assert.deepEqual(decodePayload(encodePayload(frames)), frames);
  assert.equal(encodePayload([new Uint8Array([1, 2, 3]).buffer]), "bAQID");
});

// === Cursor

test("an id is split at its last colon", () => {
  assert.deepEqual(readId("user:5@/notice:e1-42"), { audience: "user:5@/notice", epoch: "e1", seq: 42 });
  assert.equal(readId("nonsense"), null);
});

test("an event's last part says whether it is an end", () => {
  assert.ok(isFinal("file.complete") && isFinal("disk.error") && isFinal("cancel"));
  assert.ok(!isFinal("file.progress") && !isFinal("file.completed") && !isFinal("file.queued"));
});

test("the cursor is the newest end of each audience", () => {
  const cursor = new Cursor();
  cursor.see("file.complete", stamp(7));
  cursor.see("file.error", stamp(9));
  cursor.see("file.complete", stamp(8, true));
  cursor.see("file.complete", stamp(2, false, "e1", "room:a%2Cb@/notice"));
  assert.deepEqual(cursor.toString().split(",").sort(), ["room:a%2Cb@/notice:e1-2", "user:5@/notice:e1-9"]);
});

test("progress never carries the cursor past an end still on its way", () => {
  const cursor = new Cursor();
  cursor.see("file.complete", stamp(7));
  cursor.see("file.progress", stamp(20));
  cursor.settle();
  assert.equal(cursor.toString(), "user:5@/notice:e1-7");
});

test("before any end the lowest progress stands in, once the snapshot has been read", () => {
  const cursor = new Cursor();
  cursor.see("file.progress", stamp(12, true));
  cursor.see("file.progress", stamp(11, true));
  cursor.see("file.progress", stamp(13));
  assert.equal(cursor.toString(), "");
  cursor.settle();
  assert.equal(cursor.toString(), "user:5@/notice:e1-11");
});

test("a new epoch replaces the old one, whatever its count", () => {
  const cursor = new Cursor("user:5@/notice:e1-90");
  cursor.see("file.complete", stamp(1, true, "e2"));
  assert.equal(cursor.toString(), "user:5@/notice:e2-1");
  cursor.see("file.progress", stamp(1, true, "e3"));
  assert.equal(cursor.toString(), "");
});

test("a cursor goes in and comes out as it was", () => {
  const since = "room:1@/notice:e1-3,user:5@/notice:e1-9";
  assert.deepEqual(new Cursor(since).toString().split(",").sort(), since.split(","));
  assert.equal(new Cursor("").toString(), "");
});

test("a cursor holds no more than the server takes, the latest kept", () => {
  const cursor = new Cursor();
  for (let i = 0; i < 200; i++) cursor.see("file.complete", stamp(1, false, "e", `room:${i}@/notice`));
  const ids = cursor.toString().split(",");
  assert.equal(ids.length, 64);
  assert.equal(ids[0], "room:199@/notice:e-1");
  for (let i = 0; i < 64; i++)
    cursor.see("file.complete", stamp(1, false, "e", `room:${"x".repeat(500)}${i}@/notice`));
  assert.ok(cursor.toString().length <= 8_192);
});

test("an end is handed over once, however often it is replayed; progress each time", () => {
  const cursor = new Cursor();
  assert.ok(cursor.see("file.complete", stamp(5)));
  assert.ok(!cursor.see("file.complete", stamp(5, true)));
  assert.ok(cursor.see("file.complete", stamp(6, true)));
  assert.ok(cursor.see("file.progress", stamp(4, true)));
  assert.ok(cursor.see("file.progress", stamp(4, true)));
});

test("the memory of ends is bounded, the oldest forgotten first", () => {
  const cursor = new Cursor();
  for (let seq = 1; seq <= 2_001; seq++) cursor.see("file.complete", stamp(seq));
  assert.ok(!cursor.see("file.complete", stamp(2, true)));
  assert.ok(cursor.see("file.complete", stamp(1, true)));
});

test("the backoff doubles to a cap, with full jitter, and never undercuts the server", () => {
  assert.equal(
    backoffMs(0, 0, () => 1),
    500,
  );
  assert.equal(
    backoffMs(3, 0, () => 1),
    4_000,
  );
  assert.equal(
    backoffMs(50, 0, () => 1),
    15_000,
  );
  assert.equal(
    backoffMs(9, 0, () => 0),
    0,
  );
  assert.equal(
    backoffMs(0, 3_000, () => 0),
    3_000,
  );
});

// === Socket, over a WebSocket that a test plays

/** @type {FakeWebSocket[]} */
let wires = [];

class FakeWebSocket {
  readyState = 1;
  sent = [];
  constructor(url) {
    this.url = String(url);
    wires.push(this);
  }
  send(frame) {
    this.sent.push(frame);
  }
  close() {
    this.readyState = 3;
  }
  say(...frames) {
    for (const data of frames) this.onmessage?.({ data });
  }
  cut() {
    this.readyState = 3;
    this.onclose?.({});
  }
  open(namespace = "/notice") {
    const room = namespace === "/" ? "" : `${namespace},`;
    this.say('0{"sid":"s","pingInterval":25000,"pingTimeout":20000}', `40${room}{"sid":"x"}`);
  }
}

const { WebSocket: before } = globalThis;
const { random } = Math;
beforeEach(() => {
  wires = [];
  globalThis.WebSocket = FakeWebSocket;
  Math.random = () => 0;
});
afterEach(() => {
  globalThis.WebSocket = before;
  Math.random = random;
});

/** Waits for a condition; no test sleeps for longer than it must. */
async function until(condition) {
  const deadline = Date.now() + 2_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `never came: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function opened(options = {}) {
  const socket = connect("http://h", {
    namespace: "/notice",
    user: 5,
    transports: ["websocket"],
    ...options,
  });
  await until(() => wires.length === 1);
  wires[0].open(options.namespace);
  return socket;
}

test("a socket opens with its user and cursor, and answers pings", async () => {
  const socket = await opened({ since: "user:5@/notice:e1-3", query: { a: "b" } });
  assert.equal(socket.state, "open");
  assert.match(wires[0].url, /^ws:\/\/h\/socket\.io\/\?a=b&EIO=4&transport=websocket$/);
  wires[0].say("2probe");
  assert.deepEqual(wires[0].sent, ['40/notice,{"user":"5","since":"user:5@/notice:e1-3"}', "3probe"]);
  socket.close();
  assert.equal(wires[0].sent.at(-1), "41/notice,");
});

test("a cut socket comes back with the last end it saw, and hears no end twice", async () => {
  const socket = await opened();
  const heard = [];
  socket.on("file.complete", (task) => heard.push(task.n));
  wires[0].say('42/notice,["file.complete",{"n":1},{"id":"user:5@/notice:e1-4","replayed":false}]');
  wires[0].cut();
  assert.equal(socket.state, "connecting");
  await until(() => wires.length === 2);
  wires[1].open();
  assert.match(wires[1].sent[0], /"since":"user:5@\/notice:e1-4"/);
  wires[1].say('42/notice,["file.complete",{"n":1},{"id":"user:5@/notice:e1-4","replayed":true}]');
  wires[1].say('42/notice,["file.complete",{"n":2},{"id":"user:5@/notice:e1-5","replayed":true}]');
  assert.deepEqual(heard, [1, 2]);
  socket.close();
});

test("after a refusal the socket says why and stays away", async () => {
  const socket = connect("http://h", { namespace: "/notice", transports: ["websocket"] });
  const states = [];
  socket.on("state", ({ state, reason }) => states.push([state, reason]));
  const asked = socket.request("tasks");
  await until(() => wires.length === 1);
  wires[0].say('0{"sid":"s","pingInterval":1,"pingTimeout":1}', '44/notice,{"message":"user is required"}');
  assert.deepEqual(states.at(-1), ["refused", "user is required"]);
  await assert.rejects(asked, /user is required/);
  await assert.rejects(socket.request("tasks"), /refused/);
  assert.equal(wires.length, 1);
});

test("a disconnected namespace stays closed, with the reason of the farewell", async () => {
  const socket = await opened();
  wires[0].say('42/notice,["departing",{"reason":"kicked","retry_after_ms":0}]', "41/notice,");
  assert.equal(socket.state, "closed");
});

test("a departure is waited out as long as the server asked", async () => {
  const socket = await opened();
  const states = [];
  socket.on("state", (event) => states.push(event));
  wires[0].say('42/notice,["departing",{"reason":"drain","retry_after_ms":1234}]', "1");
  assert.deepEqual([states[0].reason, states[0].retryInMs], ["drain", 1234]);
  socket.close();
});

test("a server that goes silent is left", async () => {
  const socket = connect("http://h", { namespace: "/notice", transports: ["websocket"] });
  await until(() => wires.length === 1);
  wires[0].say('0{"sid":"s","pingInterval":5,"pingTimeout":5}', '40/notice,{"sid":"x"}');
  await until(() => wires.length === 2);
  socket.close();
});

test("requests are answered, time out, and fail when the connection does", async () => {
  const socket = await opened({ ackTimeoutMs: 20 });
  const answered = socket.request("tasks");
  wires[0].say('43/notice,0[{"tasks":[]}]');
  assert.deepEqual(await answered, { tasks: [] });
  await assert.rejects(socket.request("tasks"), /no answer to tasks within 20 ms/);
  const lost = socket.request("tasks");
  wires[0].cut();
  await assert.rejects(lost, /connection lost/);
  socket.close();
});

test("what is sent before the socket opens waits, up to a limit", async () => {
  const socket = connect("http://h", { transports: ["websocket"] });
  for (let i = 0; i < 100; i++) socket.emit("a", i);
  assert.throws(() => socket.emit("a", 100), /already wait/);
  await until(() => wires.length === 1);
  wires[0].open("/");
  assert.equal(wires[0].sent[1], '42["a",0]');
  assert.equal(wires[0].sent.length, 101);
  socket.close();
});

test("bytes arrive where their placeholders stood, and the raw text as it came", async () => {
  const socket = await opened();
  let raw = "";
  let bytes;
  socket.onRaw((text) => (raw = text));
  socket.on("b", (value) => (bytes = value.at));
  wires[0].say('451-/notice,["b",{"at":{"_placeholder":true,"num":0}}]', new Uint8Array([7]).buffer);
  assert.deepEqual(bytes, new Uint8Array([7]).buffer);
  assert.equal(raw, '["b",{"at":{"_placeholder":true,"num":0}}]');
  socket.close();
});

test("a gap is told, and an acknowledgement asked for can be given", async () => {
  const socket = await opened();
  let gap;
  socket.on("gap", (value) => (gap = value));
  socket.on("ask", (value, reply) => reply(value + 1));
  wires[0].say('42/notice,["notice.gap",{"since":"a","oldest":"b"}]', '42/notice,9["ask",1]');
  assert.deepEqual(gap, { since: "a", oldest: "b" });
  assert.equal(wires[0].sent.at(-1), "43/notice,9[2]");
  socket.close();
});

test("an unreadable packet costs the connection, not the socket", async () => {
  const socket = await opened();
  wires[0].say("42/notice,{nonsense");
  assert.equal(socket.state, "connecting");
  socket.close();
});

// === Instant messages

const lastAck = (wire) => /^42(\d+)/.exec(wire.sent.at(-1))?.[1];

test("a login resolves on 2002, rejects on 2004, and is made again after a reconnect", async () => {
  const handle = new SocketHandle("http://h", { transports: ["websocket"] });
  const first = handle.loginRoom(456, "loginWhenLast");
  await until(() => wires.length === 1);
  wires[0].open("/");
  assert.match(
    wires[0].sent.at(-1),
    /^420\["loginRoom",\{"id":"456","type":"loginWhenLast","resume":"[a-z0-9]+\.\d+"\}\]$/,
  );
  wires[0].say('430[{"code":"2002","msg":"login room (id:456) success"}]');
  assert.equal((await first).code, "2002");

  const refused = handle.loginRoom("7");
  wires[0].say(`43${lastAck(wires[0])}[{"code":"2004","msg":"your room id(7) already exist"}]`);
  await assert.rejects(refused, {
    name: "LoginError",
    code: "2004",
    message: "your room id(7) already exist",
  });

  wires[0].cut();
  await until(() => wires.length === 2);
  wires[1].open("/");
  assert.deepEqual(wires[1].sent.filter((one) => String(one).includes("loginRoom")).length, 1);
  assert.match(wires[1].sent.at(-1), /"id":"456"/);
  handle.close();
});

test("a room that was taken over is not taken back by a reconnect", async () => {
  const handle = new SocketHandle("http://h", { transports: ["websocket"] });
  const heard = [];
  handle.listen((message) => heard.push(message.code));
  const login = handle.loginRoom("456");
  await until(() => wires.length === 1);
  wires[0].open("/");
  wires[0].say('430[{"code":"2002","msg":"login room (id:456) success"}]');
  await login;
  wires[0].say('42["downmsg",{"code":"2005","msg":"you have kicked out room (id456)"}]');
  wires[0].cut();
  await until(() => wires.length === 2);
  wires[1].open("/");
  assert.deepEqual(heard, ["2005"]);
  assert.deepEqual(wires[1].sent, ["40{}"]);
  handle.close();
});

test("a login that is let in and put out before its answer comes resolves, and is not made again", async () => {
  const handle = new SocketHandle("http://h", { transports: ["websocket"] });
  const login = handle.loginRoom("456");
  await until(() => wires.length === 1);
  wires[0].open("/");
  wires[0].say('42["downmsg",{"code":"2002","msg":"login room (id:456) success"}]');
  wires[0].say('42["downmsg",{"code":"2005","msg":"you have kicked out room (id456)"}]');
  wires[0].say('430[{"code":"2002","msg":"login room (id:456) success"}]');
  assert.equal((await login).code, "2002");
  wires[0].cut();
  await until(() => wires.length === 2);
  wires[1].open("/");
  assert.deepEqual(wires[1].sent, ["40{}"]);
  handle.close();
});

test("what is listened to is downmsg unless another event is named", async () => {
  const handle = new SocketHandle("http://h", { transports: ["websocket"] });
  const heard = [];
  handle.listen((message) => heard.push(["alone", message]));
  handle.listen(undefined, (message) => heard.push(["left out", message]));
  const stop = handle.listen("flash", (message) => heard.push(["flash", message]));
  await until(() => wires.length === 1);
  wires[0].open("/");
  wires[0].say('42["downmsg",1]', '42["flash",2]');
  stop();
  wires[0].say('42["flash",3]');
  assert.deepEqual(heard, [["alone", 1], ["left out", 1], ["flash", 2]]);
  assert.throws(() => handle.listen("flash"), TypeError);
  handle.close();
});
