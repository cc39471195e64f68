/**
 * A small Socket.IO client (protocol 5 over Engine.IO 4) that knows what a Carillon notice is.
 *
 *     import { connect, SocketHandle } from "/carillon.js";
 *
 *     const socket = connect("https://push.example.com", { namespace: "/notice", user: "5" });
 *     socket.on("file.progress", (task, { id, replayed }) => …);
 *     socket.on("state", ({ state, reason }) => …);
 *
 * What it promises beyond carrying packets:
 * - It tries the transports in the order given (WebSocket, then HTTP long-polling) on every attempt.
 * - It comes back by itself, with exponential backoff and full jitter, never sooner than the server
 *   asked, and at once when the browser says that the network is back.
 * - After a refusal, or when the server disconnects the namespace, it stays away.
 * - It keeps the cursor and sends it on every connect, so an end missed while away is still heard,
 *   and hands a replayed end to the page once.
 *
 * No dependency, no build step; any browser with ES modules and private fields.
 */

/**
 * @typedef {"connecting" | "open" | "closed" | "refused"} State
 *
 * @typedef {object} StateEvent
 * @property {State} state
 * @property {string} reason why, in words: the server's where it gave any
 * @property {string | null} transport "websocket" or "polling" while open
 * @property {number} attempt how many attempts have failed since the socket was last well
 * @property {number | null} retryInMs when the next attempt is due, if one is waited for
 *
 * @typedef {object} ConnectOptions
 * @property {string} [namespace] default: the path of the url, as `io()` reads it
 * @property {string | number} [user] sent as `auth.user`
 * @property {Record<string, unknown>} [auth] further fields of `auth`: `token`, `room`, …
 * @property {Record<string, string>} [query] rides on the transport's address
 * @property {string} [since] a cursor to begin with: notice ids joined by commas
 * @property {("websocket" | "polling")[]} [transports] default `["websocket", "polling"]`
 * @property {string} [path] default `/socket.io/`
 * @property {boolean} [withCredentials] send cookies to another origin when polling
 * @property {number} [handshakeTimeoutMs] default 5,000, for each transport tried
 * @property {number} [ackTimeoutMs] default 10,000
 *
 * @typedef {(...args: any[]) => void} Listener
 * @typedef {string | ArrayBuffer} Frame an Engine.IO packet: text, or the bytes of an attachment
 */

/** Sends that wait for the socket to open; one more throws. */
const OUTBOX_LEN_MAX = 100;
/** Ends remembered by id, oldest forgotten first: a repeat older than that is handed over again. */
const ENDS_LEN_MAX = 2_000;
/** What the server takes as one cursor. */
const CURSOR_LEN_MAX = 64;
const CURSOR_CHARS_MAX = 8_192;
/** Attachments of one packet; more closes the transport. */
const ATTACHMENTS_LEN_MAX = 64;
const BACKOFF_BASE_MS = 500;
const BACKOFF_CAP_MS = 15_000;
/** How long a closing poll may take. */
const GOODBYE_MS = 2_000;
/** A socket that held this long begins its backoff anew; and its snapshot has surely been read. */
const WELL_AFTER_MS = 5_000;
const SNAPSHOT_READ_MS = 1_000;
/** A login repeated after a reconnect may be refused while the store recovers. */
const LOGIN_AGAIN_MS = 3_000;
const LOGIN_AGAIN_MAX = 10;

// === Packets ===

/** Socket.IO packet types, by their digit. */
export const Type = Object.freeze({
  CONNECT: 0,
  DISCONNECT: 1,
  EVENT: 2,
  ACK: 3,
  CONNECT_ERROR: 4,
  BINARY_EVENT: 5,
  BINARY_ACK: 6,
});

/**
 * @typedef {object} Packet
 * @property {number} type one of {@link Type}
 * @property {string} namespace
 * @property {number | null} id of the acknowledgement asked for or given
 * @property {number} attachments how many binary frames follow
 * @property {string} raw the JSON text as received, "" if none
 */

/**
 * Reads the text of a Socket.IO packet, without looking into its JSON.
 * @param {string} text @returns {Packet}
 */
export function decodePacket(text) {
  const parts = /^([0-6])(?:(\d{1,4})-)?(?:(\/[^,]*),)?(\d{1,15})?/.exec(text);
  if (!parts) throw new SyntaxError("not a Socket.IO packet");
  const [head, type, attachments, namespace = "/", id] = parts;
  const binary = Number(type) >= Type.BINARY_EVENT;
  if (binary !== (attachments !== undefined)) throw new SyntaxError("attachments not as the type says");
  return {
    type: Number(type),
    namespace: namespace.split("?", 1)[0],
    id: id === undefined ? null : Number(id),
    attachments: Number(attachments ?? 0),
    raw: text.slice(head.length),
  };
}

/**
 * Writes a packet as the frames to send: its text, then its attachments.
 * @param {number} type @param {string} namespace @param {unknown} [data] @param {number | null} [id]
 * @returns {Frame[]}
 */
export function encodePacket(type, namespace, data, id = null) {
  /** @type {ArrayBuffer[]} */
  const attachments = [];
  const json = data === undefined ? "" : JSON.stringify(withoutBinary(data, attachments));
  const binary = attachments.length > 0;
  const digit = !binary ? type : type === Type.ACK ? Type.BINARY_ACK : Type.BINARY_EVENT;
  const head = binary ? `${digit}${attachments.length}-` : `${digit}`;
  const room = namespace === "/" ? "" : `${namespace},`;
  return [`${head}${room}${id ?? ""}${json}`, ...attachments];
}

/** @param {any} value @param {ArrayBuffer[]} attachments @returns {any} */
function withoutBinary(value, attachments) {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    const bytes = value instanceof ArrayBuffer ? value : copyOf(value);
    return { _placeholder: true, num: attachments.push(bytes) - 1 };
  }
  if (Array.isArray(value)) return value.map((one) => withoutBinary(one, attachments));
  if (value === null || typeof value !== "object" || typeof value.toJSON === "function") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, withoutBinary(one, attachments)]),
  );
}

/** @param {ArrayBufferView} view @returns {ArrayBuffer} */
function copyOf(view) {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength).slice().buffer;
}

/**
 * Puts attachments back where their placeholders stand.
 * @param {any} value @param {ArrayBuffer[]} attachments @returns {any}
 */
export function reviveBinary(value, attachments) {
  if (value === null || typeof value !== "object") return value;
  if (value._placeholder === true) {
    const bytes = attachments[value.num];
    if (!bytes) throw new SyntaxError(`no attachment ${value.num}`);
    return bytes;
  }
  for (const key of Object.keys(value)) value[key] = reviveBinary(value[key], attachments);
  return value;
}

const SEPARATOR = "\x1e";

/**
 * Splits the body of a poll into packets; `b` marks base64.
 * @param {string} body @returns {Frame[]}
 */
export function decodePayload(body) {
  return body.split(SEPARATOR).map((one) => (one[0] === "b" ? fromBase64(one.slice(1)) : one));
}

/** @param {Frame[]} frames @returns {string} */
export function encodePayload(frames) {
  return frames.map((one) => (typeof one === "string" ? one : `b${toBase64(one)}`)).join(SEPARATOR);
}

/** @param {string} text @returns {ArrayBuffer} */
function fromBase64(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0)).buffer;
}

/** @param {ArrayBuffer} bytes @returns {string} */
function toBase64(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

// === Cursor ===

/** @param {string} event @returns {boolean} whether this notice ends its task */
export function isFinal(event) {
  return /(^|\.)(complete|error|cancel)$/.test(event);
}

/** @param {unknown} stamp @returns {stamp is { id: string, replayed: boolean }} */
function isStamp(stamp) {
  const it = /** @type {any} */ (stamp);
  return (
    it !== null && typeof it === "object" && typeof it.id === "string" && typeof it.replayed === "boolean"
  );
}

/**
 * Splits a notice's id, `<audience>:<epoch>-<seq>`.
 * @param {string} id @returns {{ audience: string, epoch: string, seq: number } | null}
 */
export function readId(id) {
  const parts = /^(.+):([^:-]+)-(\d+)$/.exec(id);
  return parts && { audience: parts[1], epoch: parts[2], seq: Number(parts[3]) };
}

/**
 * How far this page has read, per audience.
 *
 * Only what the server may replay moves it. Progress is skipped, replaced in place and sent ahead of
 * older ends in a snapshot, so a cursor on it could pass an end that is still on its way. The lowest
 * progress seen stands in for an audience that has had no end yet, once its snapshot is surely read.
 */
export class Cursor {
  /** @type {Map<string, string>} oldest moved first */
  #read = new Map();
  /** @type {Map<string, string>} */
  #floor = new Map();
  /** @type {Set<string>} */
  #ends = new Set();
  #settled = false;

  /** @param {string} [since] */
  constructor(since = "") {
    for (const id of since.split(",")) this.#move(this.#read, id.trim());
  }

  /**
   * Notes a notice that arrived. False: it is a repeat of an end that was already handed over.
   * @param {string} event @param {{ id: string, replayed: boolean }} stamp @returns {boolean}
   */
  see(event, { id, replayed }) {
    if (/(^|\.)progress$/.test(event)) {
      this.#forgetOtherEpoch(id);
      this.#move(this.#floor, id, true);
      return true;
    }
    this.#move(this.#read, id);
    if (!isFinal(event)) return true;
    if (replayed && this.#ends.has(id)) return false;
    this.#ends.add(id);
    if (this.#ends.size > ENDS_LEN_MAX) dropOldest(this.#ends);
    return true;
  }

  /** The snapshot has been read to its end. */
  settle() {
    this.#settled = true;
  }

  /** What to send as `since`: at most one id per audience, the most recently moved kept. */
  toString() {
    const ids = new Map([...(this.#settled ? this.#floor : []), ...this.#read]);
    let text = "";
    for (const id of [...ids.values()].reverse().slice(0, CURSOR_LEN_MAX)) {
      if (text.length + id.length < CURSOR_CHARS_MAX) text += text ? `,${id}` : id;
    }
    return text;
  }

  /** A store that began anew has told its gap; an id of its former life would only earn another. @param {string} id */
  #forgetOtherEpoch(id) {
    const next = readId(id);
    const now = next && readId(this.#read.get(next.audience) ?? "");
    if (now && now.epoch !== next.epoch) this.#read.delete(next.audience);
  }

  /** @param {Map<string, string>} ids @param {string} id @param {boolean} [lowest] */
  #move(ids, id, lowest = false) {
    const next = readId(id);
    if (!next) return;
    const now = readId(ids.get(next.audience) ?? "");
    const further = lowest ? now && next.seq >= now.seq : now && next.seq <= now.seq;
    if (now?.epoch === next.epoch && further) return;
    ids.delete(next.audience);
    ids.set(next.audience, id);
    if (ids.size > CURSOR_LEN_MAX) dropOldest(ids);
  }
}

/** @param {Map<any, any> | Set<any>} kept */
function dropOldest(kept) {
  for (const oldest of kept.keys()) return void kept.delete(oldest);
}

// === Transports ===

/**
 * @typedef {object} Ear what a transport tells its owner
 * @property {(frame: Frame) => void} frame
 * @property {(reason: string, answer?: HttpAnswer) => void} lost called once, unless closed by us
 *
 * @typedef {object} HttpAnswer
 * @property {number} status
 * @property {string} message
 * @property {number} retryAfterMs
 *
 * @typedef {object} Transport
 * @property {string} kind
 * @property {(frames: Frame[]) => void} send
 * @property {() => void} close tells the server, if it can
 */

/** @implements {Transport} */
class WebSocketTransport {
  kind = "websocket";
  #ws;

  /** @param {URL} address @param {Ear} ear */
  constructor(address, ear) {
    const url = new URL(address);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    url.searchParams.set("transport", "websocket");
    this.#ws = new WebSocket(url);
    this.#ws.binaryType = "arraybuffer";
    this.#ws.onmessage = (message) => ear.frame(message.data);
    this.#ws.onclose = () => ear.lost("transport closed");
  }

  /** @param {Frame[]} frames */
  send(frames) {
    if (this.#ws.readyState === 1) for (const one of frames) this.#ws.send(one);
  }

  close() {
    this.#ws.onmessage = null;
    this.#ws.onclose = null;
    this.#ws.close();
  }
}

/** @implements {Transport} */
class PollingTransport {
  kind = "polling";
  #address;
  #ear;
  /** @type {RequestCredentials} */
  #credentials;
  #stop = new AbortController();
  /** @type {Frame[]} */
  #queue = [];
  #posting = false;
  #gone = false;

  /** @param {URL} address @param {Ear} ear @param {boolean} withCredentials */
  constructor(address, ear, withCredentials) {
    this.#address = new URL(address);
    this.#address.searchParams.set("transport", "polling");
    this.#ear = ear;
    this.#credentials = withCredentials ? "include" : "same-origin";
    void this.#poll();
  }

  /** @param {Frame[]} frames */
  send(frames) {
    this.#queue.push(...frames);
    void this.#flush();
  }

  /** Says goodbye behind what is still queued, and lets the server end the poll. */
  close() {
    if (this.#gone) return;
    this.#gone = true;
    setTimeout(() => this.#stop.abort(), GOODBYE_MS);
    if (!this.#address.searchParams.has("sid")) return this.#stop.abort();
    this.send(["1"]);
  }

  async #poll() {
    try {
      while (!this.#gone) {
        const frames = decodePayload(await this.#call(null));
        for (const one of frames) if (!this.#gone) this.#hear(one);
      }
    } catch (error) {
      this.#lose(error);
    }
  }

  /** @param {Frame} frame */
  #hear(frame) {
    if (typeof frame === "string" && frame[0] === "0") {
      this.#address.searchParams.set("sid", JSON.parse(frame.slice(1)).sid);
    }
    if (frame === "1") this.#gone = true; // the session is no more; no goodbye is due
    this.#ear.frame(frame);
  }

  /** One POST at a time, so packets keep their order. */
  async #flush() {
    if (this.#posting) return;
    this.#posting = true;
    try {
      while (this.#queue.length > 0) await this.#call(encodePayload(this.#queue.splice(0)));
    } catch (error) {
      this.#lose(error);
    }
    this.#posting = false;
  }

  /** @param {string | null} body null asks for what there is */
  async #call(body) {
    const answer = await fetch(this.#address, {
      method: body === null ? "GET" : "POST",
      headers: body === null ? {} : { "content-type": "text/plain;charset=UTF-8" },
      body,
      cache: "no-store",
      credentials: this.#credentials,
      keepalive: this.#gone && body !== null, // outlives the page
      signal: this.#stop.signal,
    });
    const text = await answer.text();
    if (!answer.ok) throw new HttpRefusal(answer, text);
    return text;
  }

  /** @param {unknown} error */
  #lose(error) {
    if (this.#gone) return;
    this.#gone = true;
    this.#stop.abort();
    if (error instanceof HttpRefusal) this.#ear.lost(error.message, error.answer);
    else this.#ear.lost(error instanceof SyntaxError ? "unreadable packet" : "transport closed");
  }
}

class HttpRefusal extends Error {
  /** @param {Response} response @param {string} text */
  constructor(response, text) {
    const message = wordsOf(text) || `HTTP ${response.status}`;
    super(message);
    const seconds = Number(response.headers.get("retry-after") ?? 0);
    /** @type {HttpAnswer} */
    this.answer = { status: response.status, message, retryAfterMs: 1_000 * (seconds || 0) };
  }
}

/** @param {string} text an error's body: JSON with a message, or plain @returns {string} */
function wordsOf(text) {
  try {
    const body = JSON.parse(text);
    return String(body.error?.message ?? body.message ?? "");
  } catch {
    return text.trim().slice(0, 200);
  }
}

// === Socket ===

/**
 * How long to wait before attempt `attempt` (from 0): full jitter, on top of what the server asked.
 * @param {number} attempt @param {number} [askedMs] @param {() => number} [random]
 */
export function backoffMs(attempt, askedMs = 0, random = Math.random) {
  return askedMs + random() * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** attempt);
}

/**
 * One namespace over one transport of its own, for as long as the page wants it.
 *
 * `state` and `gap` are this module's own events; a server's event of that name reaches `onAny` only.
 */
export class Socket {
  /** @type {State} */
  state = "connecting";
  /** @type {string | null} the id the server knows this socket by */
  id = null;

  #address;
  #namespace;
  /** @type {ConnectOptions} */
  #options;
  #cursor;

  /** @type {Map<string, Set<Listener>>} */
  #listeners = new Map();
  /** @type {Set<Listener>} */
  #any = new Set();
  /** @type {Set<(raw: string, event: string, args: any[]) => void>} */
  #raw = new Set();

  /** @type {Transport | null} */
  #transport = null;
  /** @type {{ packet: Packet, attachments: ArrayBuffer[] } | null} a packet waiting for its bytes */
  #partial = null;
  /** @type {Map<number, { settle: (answer: any) => void, fail: (error: Error) => void }>} */
  #acks = new Map();
  #ackId = 0;
  /** @type {{ frames: Frame[], ack: number | null }[]} */
  #outbox = [];

  #attempt = 0;
  #openedAt = 0;
  #heardAt = 0;
  #patienceMs = 45_000;
  /** What a `departing` event said. @type {{ reason: string, retryAfterMs: number }} */
  #farewell = { reason: "", retryAfterMs: 0 };
  /** @type {ReturnType<typeof setTimeout> | undefined} the next attempt */
  #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} the handshake's or the server's silence */
  #watchdog;
  #online = () => {
    if (this.#retry !== undefined) this.#begin(0);
  };

  /** @param {string | URL} url @param {ConnectOptions} [options] */
  constructor(url, options = {}) {
    this.#options = options;
    this.#address = new URL(url, globalThis.location?.href);
    this.#address.protocol = this.#address.protocol.replace("ws", "http");
    this.#namespace = options.namespace ?? this.#address.pathname;
    this.#address.pathname = options.path ?? "/socket.io/";
    for (const [key, value] of Object.entries(options.query ?? {})) {
      this.#address.searchParams.set(key, value);
    }
    this.#address.searchParams.set("EIO", "4");
    this.#cursor = new Cursor(options.since);
    globalThis.addEventListener?.("online", this.#online);
    queueMicrotask(() => this.state === "connecting" && this.#begin(0));
  }

  // --- Listening

  /** @param {string} event @param {Listener} listener @returns {() => void} stops listening */
  on(event, listener) {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener));
    return () => this.off(event, listener);
  }

  /** @param {string} event @param {Listener} listener @returns {() => void} stops listening */
  once(event, listener) {
    const stop = this.on(event, (...args) => {
      stop();
      listener(...args);
    });
    return stop;
  }

  /** @param {string} event @param {Listener} [listener] all of that event, if none is given */
  off(event, listener) {
    const set = this.#listeners.get(event);
    if (listener) set?.delete(listener);
    if (!listener || set?.size === 0) this.#listeners.delete(event);
  }

  /** Hears every event of the server's. @param {(event: string, ...args: any[]) => void} listener */
  onAny(listener) {
    this.#any.add(listener);
    return () => void this.#any.delete(listener);
  }

  /** Hears every event's JSON text as it came. @param {(raw: string, event: string, args: any[]) => void} listener */
  onRaw(listener) {
    this.#raw.add(listener);
    return () => void this.#raw.delete(listener);
  }

  /** What to hand to a later `connect` as `since`. */
  get cursor() {
    return this.#cursor.toString();
  }

  // --- Sending

  /** Sends now, or when the socket opens. @param {string} event @param {...unknown} args */
  emit(event, ...args) {
    this.#emit(null, [event, ...args]);
  }

  /**
   * Sends, and resolves with the server's acknowledgement. Rejects when none comes in time, or the
   * connection is lost on the way, in which case the server may have heard it.
   * @param {string} event @param {...unknown} args @returns {Promise<any>}
   */
  request(event, ...args) {
    const id = this.#ackId++;
    return new Promise((resolve, reject) => {
      const timeoutMs = this.#options.ackTimeoutMs ?? 10_000;
      const late = setTimeout(() => {
        this.#acks.delete(id);
        this.#outbox = this.#outbox.filter((one) => one.ack !== id);
        reject(new Error(`no answer to ${event} within ${timeoutMs} ms`));
      }, timeoutMs);
      const done = (/** @type {(value: any) => void} */ settle) => (/** @type {any} */ value) => {
        clearTimeout(late);
        this.#acks.delete(id);
        settle(value);
      };
      this.#acks.set(id, { settle: done(resolve), fail: done(reject) });
      try {
        this.#emit(id, [event, ...args]);
      } catch (error) {
        this.#acks.get(id)?.fail(/** @type {Error} */ (error));
      }
    });
  }

  /** Leaves for good. */
  close() {
    if (this.state === "closed" || this.state === "refused") return;
    if (this.state === "open") this.#send(encodePacket(Type.DISCONNECT, this.#namespace));
    this.#end("closed", "closed by the page");
  }

  /** @param {number | null} ack @param {unknown[]} args */
  #emit(ack, args) {
    if (this.state === "closed" || this.state === "refused") throw new Error(`socket is ${this.state}`);
    const frames = encodePacket(Type.EVENT, this.#namespace, args, ack);
    if (this.state === "open") return this.#send(frames);
    if (this.#outbox.length >= OUTBOX_LEN_MAX) throw new Error(`${OUTBOX_LEN_MAX} sends already wait`);
    this.#outbox.push({ frames, ack });
  }

  /** @param {Frame[]} frames packets of Socket.IO, which ride on Engine.IO's `4` */
  #send(frames) {
    this.#transport?.send(frames.map((one) => (typeof one === "string" ? `4${one}` : one)));
  }

  // --- Coming and going

  /** @param {number} index of the transport to try */
  #begin(index) {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drop();
    const transports = this.#options.transports ?? ["websocket", "polling"];
    if (index === 0) this.#tell("connecting", this.#attempt > 0 ? "trying again" : "first attempt");
    let greeted = false;
    /** @type {Ear} */
    const ear = {
      frame: (frame) => {
        greeted = true;
        this.#hear(frame);
      },
      lost: (reason, answer) => {
        this.#transport = null;
        const status = answer?.status ?? 0;
        if (!greeted && (status === 401 || status === 403)) this.#end("refused", reason);
        else if (!greeted && index + 1 < transports.length) this.#begin(index + 1);
        else
          this.#away(
            greeted ? reason : (answer?.message ?? "server cannot be reached"),
            answer?.retryAfterMs,
          );
      },
    };
    const limit = this.#options.handshakeTimeoutMs ?? 5_000;
    this.#watch(limit, () => {
      this.#drop();
      ear.lost("no answer in time");
    });
    try {
      this.#transport =
        transports[index] === "polling"
          ? new PollingTransport(this.#address, ear, this.#options.withCredentials ?? false)
          : new WebSocketTransport(this.#address, ear);
    } catch {
      ear.lost("transport not available");
    }
  }

  /** Cut off; comes back. @param {string} reason @param {number} [askedMs] */
  #away(reason, askedMs = 0) {
    const was = this.state;
    this.#drop();
    if (was === "open") {
      if (this.#heardAt - this.#openedAt > SNAPSHOT_READ_MS) this.#cursor.settle();
      if (Date.now() - this.#openedAt > WELL_AFTER_MS) this.#attempt = 0;
      this.#failAcks("connection lost");
    }
    const waitMs = backoffMs(this.#attempt++, Math.max(askedMs, this.#farewell.retryAfterMs));
    const why = this.#farewell.reason || reason;
    this.#farewell = { reason: "", retryAfterMs: 0 };
    this.#retry = setTimeout(() => this.#begin(0), waitMs);
    this.#tell("connecting", why, waitMs);
  }

  /** @param {"closed" | "refused"} state @param {string} reason */
  #end(state, reason) {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    globalThis.removeEventListener?.("online", this.#online);
    this.#drop();
    this.#outbox = [];
    this.#tell(state, reason);
    this.#failAcks(reason);
  }

  /** Lets go of the transport, if there is one. */
  #drop() {
    clearTimeout(this.#watchdog);
    this.#transport?.close();
    this.#transport = null;
    this.#partial = null;
  }

  /** @param {string} reason requests still in the outbox have not been sent, and keep waiting */
  #failAcks(reason) {
    const waiting = new Set(this.#outbox.map((one) => one.ack));
    for (const [id, ack] of [...this.#acks]) if (!waiting.has(id)) ack.fail(new Error(reason));
  }

  /** @param {State} state @param {string} reason @param {number | null} [retryInMs] */
  #tell(state, reason, retryInMs = null) {
    this.state = state;
    const transport = state === "open" ? (this.#transport?.kind ?? null) : null;
    this.#fire("state", [{ state, reason, transport, attempt: this.#attempt, retryInMs }]);
  }

  /** @param {number} ms @param {() => void} act */
  #watch(ms, act) {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(act, ms);
  }

  // --- Hearing

  /** @param {Frame} frame */
  #hear(frame) {
    this.#heardAt = Date.now();
    try {
      if (typeof frame !== "string") this.#attach(frame);
      else this.#engine(frame[0], frame.slice(1));
    } catch (error) {
      if (error instanceof SyntaxError) this.#away("unreadable packet");
      else throw error;
    }
  }

  /** @param {string} type @param {string} text */
  #engine(type, text) {
    if (type === "0") {
      const { pingInterval, pingTimeout } = JSON.parse(text);
      this.#patienceMs = pingInterval + pingTimeout;
      this.#send(encodePacket(Type.CONNECT, this.#namespace, this.#auth()));
    } else if (type === "1") {
      this.#away("server closed the transport");
    } else if (type === "2") {
      this.#transport?.send([`3${text}`]);
      if (this.state === "open") this.#watch(this.#patienceMs, () => this.#away("no ping from the server"));
    } else if (type === "4") {
      this.#packet(decodePacket(text));
    }
  }

  #auth() {
    const { user, auth } = this.#options;
    const since = this.#cursor.toString();
    return { ...auth, ...(user === undefined ? {} : { user: String(user) }), ...(since ? { since } : {}) };
  }

  /** @param {Packet} packet */
  #packet(packet) {
    if (this.#partial) throw new SyntaxError("text where an attachment was due");
    if (packet.namespace !== this.#namespace) return;
    if (packet.attachments > ATTACHMENTS_LEN_MAX) throw new SyntaxError("too many attachments");
    if (packet.attachments > 0) this.#partial = { packet, attachments: [] };
    else this.#whole(packet, packet.raw ? JSON.parse(packet.raw) : undefined);
  }

  /** @param {ArrayBuffer} bytes */
  #attach(bytes) {
    if (!this.#partial) throw new SyntaxError("attachment of nothing");
    const { packet, attachments } = this.#partial;
    if (attachments.push(bytes) < packet.attachments) return;
    this.#partial = null;
    this.#whole(packet, reviveBinary(JSON.parse(packet.raw), attachments));
  }

  /** @param {Packet} packet @param {any} data */
  #whole(packet, data) {
    switch (packet.type) {
      case Type.CONNECT:
        return this.#opened(data?.sid ?? null);
      case Type.CONNECT_ERROR:
        return this.#end("refused", String(data?.message ?? data ?? "refused"));
      case Type.DISCONNECT:
        return this.#end("closed", this.#farewell.reason || "disconnected by the server");
      case Type.EVENT:
      case Type.BINARY_EVENT:
        return this.#event(packet, data);
      case Type.ACK:
      case Type.BINARY_ACK:
        return this.#acks.get(packet.id ?? -1)?.settle(data[0]);
    }
  }

  /** @param {string | null} id */
  #opened(id) {
    this.id = id;
    this.#openedAt = Date.now();
    this.#watch(this.#patienceMs, () => this.#away("no ping from the server"));
    this.#tell("open", "connected");
    for (const { frames } of this.#outbox.splice(0)) this.#send(frames);
  }

  /** @param {Packet} packet @param {any} data */
  #event(packet, data) {
    if (!Array.isArray(data)) throw new SyntaxError("an event that is no array");
    const [name, ...args] = data;
    const event = String(name);
    if (args.length === 2 && isStamp(args[1]) && !this.#cursor.see(event, args[1])) return;
    if (event === "departing") {
      const { reason, retry_after_ms } = args[0] ?? {};
      this.#farewell = { reason: String(reason ?? ""), retryAfterMs: Number(retry_after_ms) || 0 };
    }
    for (const listener of [...this.#raw]) guarded(listener, [packet.raw, event, args]);
    for (const listener of [...this.#any]) guarded(listener, [event, ...args]);
    if (event === "notice.gap") this.#fire("gap", args);
    if (event === "state" || event === "gap") return;
    if (packet.id !== null) args.push(this.#reply(packet.id));
    this.#fire(event, args);
  }

  /** What a listener calls to acknowledge. @param {number} id */
  #reply(id) {
    return (/** @type {unknown[]} */ ...answer) => {
      if (this.state === "open") this.#send(encodePacket(Type.ACK, this.#namespace, answer, id));
    };
  }

  /** @param {string} event @param {any[]} args */
  #fire(event, args) {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) guarded(listener, args);
  }
}

/** A listener that throws is reported, and stops nobody else. @param {Listener} listener @param {any[]} args */
function guarded(listener, args) {
  try {
    listener(...args);
  } catch (error) {
    setTimeout(() => {
      throw error;
    });
  }
}

/**
 * Connects, and keeps connected until `close()` or a refusal.
 * @param {string | URL} url @param {ConnectOptions} [options]
 */
export function connect(url, options) {
  return new Socket(url, options);
}

// === Instant messages ===

/** @typedef {"loginWhenFirst" | "loginWhenLast" | "loginWhenever"} LoginType */

/** The answer to a login that was not a success: `code` is "2003" or "2004". */
export class LoginError extends Error {
  /** @param {{ code: string, msg: string }} answer */
  constructor({ code, msg }) {
    super(msg);
    this.name = "LoginError";
    this.code = code;
  }
}

/**
 * @typedef {object} Login
 * @property {LoginType | undefined} type
 * @property {boolean} held whether the server has said 2002
 * @property {number} again how often a repeated login was refused in a row
 * @property {((answer: { code: string, msg: string }) => void)[]} resolve
 * @property {((error: Error) => void)[]} reject
 */

/**
 * Instant messages of `/`: connects on first use, logs in to rooms, and again after a reconnect.
 *
 *     const handle = new SocketHandle("https://push.example.com");
 *     handle.listen((message) => …);
 *     await handle.loginRoom("456", "loginWhenLast");
 */
export class SocketHandle {
  #url;
  #options;
  #resume = nextResumeKey();
  /** @type {Socket | null} */
  #socket = null;
  /** @type {Map<string, Login>} */
  #logins = new Map();

  /** @param {string | URL} url @param {ConnectOptions} [options] */
  constructor(url, options = {}) {
    this.#url = url;
    this.#options = { ...options, namespace: "/" };
  }

  /** The socket beneath, for `state` and whatever else. */
  get socket() {
    return this.#connected();
  }

  /**
   * Resolves on 2002, rejects with a {@link LoginError} on 2003 and 2004. A login under way when the
   * connection is cut is made again.
   * @param {string | number} id @param {LoginType} [type]
   * @returns {Promise<{ code: string, msg: string }>}
   */
  loginRoom(id, type) {
    const room = String(id);
    const socket = this.#connected();
    return new Promise((resolve, reject) => {
      if (socket.state === "closed" || socket.state === "refused") {
        return reject(new Error(`socket is ${socket.state}`));
      }
      const before = this.#logins.get(room);
      /** @type {Login} */
      const login = {
        type,
        held: false,
        again: 0,
        resolve: [...(before?.resolve ?? []), resolve],
        reject: [...(before?.reject ?? []), reject],
      };
      this.#logins.set(room, login);
      if (socket.state === "open") void this.#login(room, login);
    });
  }

  /** @param {string | number} id */
  leaveRoom(id) {
    this.#logins.delete(String(id));
    if (this.#socket?.state === "open") this.#socket.emit("leaveRoom", String(id));
  }

  /**
   * @param {string | Listener | undefined} event default `downmsg` @param {Listener} [listener]
   * @returns {() => void} stops listening
   */
  listen(event, listener) {
    if (typeof event === "function") return this.#connected().on("downmsg", event);
    if (!listener) throw new TypeError("listen needs a function");
    return this.#connected().on(event ?? "downmsg", listener);
  }

  close() {
    this.#socket?.close();
    this.#socket = null;
    this.#logins.clear();
  }

  #connected() {
    if (this.#socket) return this.#socket;
    const socket = new Socket(this.#url, this.#options);
    socket.on("state", ({ state, reason }) => this.#stateIs(state, reason));
    socket.on("downmsg", (message) => this.#told(message));
    this.#socket = socket;
    return socket;
  }

  /** @param {State} state @param {string} reason */
  #stateIs(state, reason) {
    if (state === "open") for (const [room, login] of this.#logins) void this.#login(room, login);
    if (state !== "closed" && state !== "refused") return;
    for (const login of this.#logins.values()) for (const reject of login.reject) reject(new Error(reason));
    this.#logins.clear();
  }

  /** @param {string} room @param {Login} login */
  async #login(room, login) {
    const socket = this.#connected();
    let answer;
    try {
      const type = login.type ? { type: login.type } : {};
      answer = await socket.request("loginRoom", { id: room, ...type, resume: this.#resume });
    } catch (error) {
      // Lost on the way: the next opening logs in again. Late: tell whoever waits.
      if (socket.state !== "open" || this.#logins.get(room) !== login) return;
      return this.#settle(room, login, (each) =>
        each.reject.forEach((reject) => reject(/** @type {Error} */ (error))),
      );
    }
    // Let in and put out again before the answer came: it is let in none the less.
    if (this.#logins.get(room) !== login && !login.held) return;
    if (answer?.code === "2002") {
      login.held = true;
      login.again = 0;
      login.resolve.splice(0).forEach((resolve) => resolve(answer));
      login.reject = [];
    } else if (login.held && answer?.code === "2003" && ++login.again <= LOGIN_AGAIN_MAX) {
      setTimeout(
        () => this.#logins.get(room) === login && socket.state === "open" && this.#login(room, login),
        LOGIN_AGAIN_MS,
      );
    } else {
      const error = new LoginError(answer ?? { code: "2003", msg: "no answer" });
      this.#settle(room, login, (each) => each.reject.forEach((reject) => reject(error)));
    }
  }

  /** @param {string} room @param {Login} login @param {(login: Login) => void} tell */
  #settle(room, login, tell) {
    this.#logins.delete(room);
    tell(login);
  }

  /** Whoever is put out by a later login does not take the room back by a reconnect. @param {any} message */
  #told(message) {
    const text = String(message?.msg);
    const room = /^login room \(id:(.*)\) success$/.exec(text) ?? /^you have kicked out room \(id(.*)\)$/.exec(text);
    const login = room && this.#logins.get(room[1]);
    if (!login) return;
    if (message.code === "2002") login.held = true;
    if (message.code === "2005" && login.held) this.#logins.delete(room[1]);
  }
}

const RESUME_KEY = "carillon.resume";
let resumeBase = "";
let resumeCount = 0;

/**
 * A key by which a reloaded page is known again. In `sessionStorage` only between two pages of one
 * tab, so a tab that was duplicated gets a key of its own; one per handle, in order of creation.
 */
function nextResumeKey() {
  const storage = sessionStore();
  if (!resumeBase) {
    resumeBase =
      storage?.getItem(RESUME_KEY) ??
      Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
    storage?.removeItem(RESUME_KEY);
    globalThis.addEventListener?.("pagehide", () => storage?.setItem(RESUME_KEY, resumeBase));
    globalThis.addEventListener?.("pageshow", () => storage?.removeItem(RESUME_KEY));
  }
  return `${resumeBase}.${resumeCount++}`;
}

function sessionStore() {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null; // forbidden by the browser's settings
  }
}
