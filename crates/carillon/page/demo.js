/**
 * The demo page: what one user's tasks are doing, as the notices tell it.
 *
 * Notices change a model at once and the page at the next frame, so a flood of progress costs one
 * drawing a frame. Nothing that arrived is ever read as HTML.
 */

import { connect, isFinal, readId } from "/carillon.js";

/** Cards shown; past it the ended one that was quiet longest is let go, else the quietest. */
const CARDS_LEN_MAX = 400;
/** Notices kept to be read raw. */
const RAW_LEN_MAX = 200;
const RAW_DRAW_MS = 400;
const UNSEEN_DRAW_MS = 500;
const ANNOUNCE_MS = 1_500;
const PEAL_SECONDS = 60;
const PEAL_SLOTS = 600;

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const params = new URLSearchParams(location.search);

// === What a notice says

const STATES = { complete: "complete", error: "failed", cancel: "cancelled" };
const WORDS = { live: "Live", complete: "Complete", failed: "Failed", cancelled: "Cancelled" };
const VERBS = {
  copy: "Copying",
  move: "Moving",
  export: "Exporting",
  transcode: "Transcoding",
  download: "Downloading",
  upload: "Uploading",
};

const number = new Intl.NumberFormat("en");
const decimal = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });

/** @param {unknown} value @returns {string} a string or number as text, anything else as "" */
const text = (value) => (typeof value === "string" || typeof value === "number" ? String(value) : "");
/** @param {unknown} value @returns {number | null} */
const amount = (value) => (typeof value === "number" && value >= 0 ? value : null);

/** @param {number} bytes */
function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const power = Math.min(5, Math.floor(Math.log10(bytes) / 3));
  return `${decimal.format(bytes / 1000 ** power)} ${["", "kB", "MB", "GB", "TB", "PB"][power]}`;
}

/**
 * @typedef {object} Task
 * @property {string} identity @property {string} state @property {string} title
 * @property {number} percent @property {boolean} measured whether any percent was ever given
 * @property {string} from @property {string} to @property {string} note
 * @property {string} raw @property {string} id
 * @property {boolean} restarted the bar measures another file than the one drawn
 * @property {number} touched @property {boolean} seen in the window, or near it @property {Card | null} card
 */

/** Takes a notice into its task. @param {Task} task @param {string} event @param {any} data */
function tell(task, event, data) {
  const kind = event.slice(event.lastIndexOf(".") + 1);
  const before = task.title;
  task.state = isFinal(event) ? STATES[/** @type {keyof typeof STATES} */ (kind)] : "live";
  task.title = text(data.name) || text(data.source?.name) || task.title || task.identity;
  const percent = amount(data.progress);
  task.restarted ||= task.state === "live" && task.title !== before;
  task.restarted ||= percent !== null && percent < task.percent;
  if (percent !== null) task.percent = Math.min(100, percent);
  else if (task.state === "live" && task.title !== before) task.percent = 0;
  task.measured ||= percent !== null;
  if (task.state === "complete") task.percent = 100;
  // It failed before the next file had begun.
  if (task.state === "failed" && percent === null && task.percent === 100) task.percent = 0;
  task.from = text(data.source?.path);
  task.to = text(data.destination?.path);
  task.note = note(task, kind, data).filter(Boolean).join(" · ");
}

/** @param {Task} task @param {string} kind @param {any} data @returns {string[]} */
function note(task, kind, data) {
  const count = amount(data.count);
  const bytes = amount(data.size) ?? amount(data.source?.size);
  const files = count === null ? "" : `${number.format(count)} ${count === 1 ? "file" : "files"}`;
  if (task.state === "failed") {
    const code = text(data.errorCode);
    return [text(data.errorMessage) || "no reason given", code && code !== "0" ? `error ${code}` : "", files];
  }
  if (task.state === "cancelled")
    return [task.measured ? `stopped at ${Math.round(task.percent)} %` : "stopped", files && `${files} done`];
  const weight = bytes === null ? "" : size(bytes);
  if (task.state === "complete") return [files, weight];
  const action = text(data.action);
  const verb = kind === "progress" ? (VERBS[/** @type {keyof typeof VERBS} */ (action)] ?? action) : kind;
  return [verb, weight, files && `${files} done`];
}

// === Cards

/** @type {Map<string, Task>} the one touched last is last */
const tasks = new Map();
/** @type {Set<Task>} */
const dirty = new Set();
const list = $("cards");
let frame = 0;
let later = 0;
let letGo = 0;

/** @param {string} event @param {any} data @param {any} stamp @param {string} raw */
function take(event, data, stamp, raw) {
  if (data === null || typeof data !== "object" || !text(data.identity)) return;
  const key = JSON.stringify([data.identity, data.run ?? null]);
  const identity = text(data.identity);
  const task = tasks.get(key) ?? {
    identity,
    state: "live",
    title: "",
    percent: 0,
    measured: false,
    from: "",
    to: "",
    note: "",
    raw: "",
    id: "",
    restarted: false,
    touched: 0,
    seen: true,
    card: null,
  };
  const was = task.touched ? task.state : "";
  tell(task, event, data);
  task.raw = raw;
  task.id = text(stamp?.id);
  task.touched = Date.now();
  tasks.delete(key);
  tasks.set(key, task);
  dirty.add(task);
  if (task.state !== "live" && task.state !== was) announce(task);
  if (tasks.size > CARDS_LEN_MAX) letOneGo();
  frame ||= requestAnimationFrame(draw);
}

function letOneGo() {
  const [key, task] = [...tasks].find(([, one]) => one.state !== "live") ?? [...tasks][0];
  tasks.delete(key);
  dirty.delete(task);
  task.card?.root.remove();
  letGo += 1;
}

/** Cards near the window are drawn each frame, the others twice a second. */
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      const task = byCard.get(target);
      if (!task) continue;
      task.seen = isIntersecting;
      if (isIntersecting && dirty.has(task)) frame ||= requestAnimationFrame(draw);
    }
  },
  { rootMargin: "200px" },
);
/** @type {WeakMap<Element, Task>} */
const byCard = new WeakMap();
let drewAll = 0;

function draw() {
  frame = 0;
  const fresh = document.createDocumentFragment();
  const all = Date.now() - drewAll > UNSEEN_DRAW_MS;
  if (all) drewAll = Date.now();
  for (const task of dirty) {
    if (!all && task.card && !task.seen) continue;
    if (!task.card) fresh.prepend((task.card = newCard(task)).root);
    drawCard(task, task.card);
    dirty.delete(task);
  }
  if (fresh.childElementCount > 0) insert(fresh);
  if (dirty.size > 0) later ||= setTimeout(drawLater, UNSEEN_DRAW_MS);
  drawCounts();
}

function drawLater() {
  later = 0;
  frame ||= requestAnimationFrame(draw);
}

/** New cards come in on top, and the list slides down to make room. @param {DocumentFragment} fresh */
function insert(fresh) {
  const cards = /** @type {HTMLElement[]} */ ([...fresh.children]);
  const top = list.firstElementChild;
  const before = top?.getBoundingClientRect().top ?? 0;
  list.prepend(fresh);
  if (calm.matches || cards.length > 8) return;
  const moved = top ? top.getBoundingClientRect().top - before : 0;
  const ease = "cubic-bezier(0.2, 0.7, 0.2, 1)";
  if (moved > 0)
    list.animate([{ transform: `translateY(${-moved}px)` }, { transform: "none" }], {
      duration: 320,
      easing: ease,
    });
  for (const card of cards)
    card.animate([{ opacity: 0 }, { opacity: 1 }], { duration: 420, easing: "ease-out" });
}

/** @typedef {Record<"title" | "figure" | "track" | "fill" | "from" | "to" | "note" | "more" | "text" | "id" | "raw", HTMLElement> & { root: HTMLElement, use: Element }} Card */

/** @param {Task} task @returns {Card} */
function newCard(task) {
  const root = $("card").content.firstElementChild.cloneNode(true);
  const part = (/** @type {string} */ name) => root.querySelector(name);
  const card = {
    root,
    use: part("use"),
    title: part("h3"),
    figure: part(".figure"),
    track: part(".track"),
    fill: part(".fill"),
    from: part(".from"),
    to: part(".to"),
    note: part(".note"),
    more: part(".more"),
    text: part(".text"),
    id: part(".id"),
    raw: part("pre"),
  };
  card.more.addEventListener("click", () => {
    card.text.hidden = !card.text.hidden;
    card.more.setAttribute("aria-expanded", String(!card.text.hidden));
    drawRaw(task, card);
  });
  byCard.set(root, task);
  sight.observe(root);
  return card;
}

/** @param {Element} at @param {string} value writes only what changed, so a flood repaints little */
function put(at, value) {
  if (at.textContent !== value) at.textContent = value;
}

/** Text that may be cut short, and is whole on hover. @param {HTMLElement} at @param {string} value */
function putLong(at, value) {
  if (at.textContent === value) return;
  at.textContent = value;
  at.title = value;
}

/** @param {Task} task @param {Card} card */
function drawCard(task, card) {
  const ended = task.state !== "live";
  const { dataset, classList } = card.root;
  if (dataset.state !== task.state) {
    classList.toggle("rings", ended && Boolean(dataset.state));
    dataset.state = task.state;
    card.use.setAttribute("href", `#${task.state}`);
  }
  if (card.title.textContent !== task.title) {
    card.more.setAttribute("aria-label", `Raw: ${task.title}`);
    card.track.setAttribute("aria-label", task.title);
  }
  putLong(card.title, task.title);
  putLong(card.from, task.from);
  putLong(card.to, task.to);
  card.from.parentElement?.classList.toggle("leads", Boolean(task.to));
  put(card.note, task.note);
  drawBar(task, card);
  drawRaw(task, card);
}

/** @param {Task} task @param {Card} card */
function drawBar(task, { figure, track, fill }) {
  const percent = Math.round(task.percent);
  const word = WORDS[/** @type {keyof typeof WORDS} */ (task.state)];
  const measure = task.measured || task.state === "complete" ? `${percent} %` : "";
  fill.classList.toggle("jumps", task.restarted); // another file: not slowly backwards
  task.restarted = false;
  fill.style.transform = `scaleX(${task.percent / 100})`;
  put(figure, task.state === "live" ? measure : word);
  if (measure) track.setAttribute("aria-valuenow", String(percent));
  else track.removeAttribute("aria-valuenow");
  track.setAttribute(
    "aria-valuetext",
    task.state === "live" ? measure || "under way" : `${measure} ${word.toLowerCase()}`,
  );
}

/** @param {Task} task @param {Card} card */
function drawRaw(task, card) {
  if (card.text.hidden) return;
  put(card.id, task.id || task.identity);
  put(card.raw, task.raw);
}

function drawCounts() {
  let live = 0;
  for (const task of tasks.values()) if (task.state === "live") live += 1;
  put($("n-all"), number.format(tasks.size));
  put($("n-live"), number.format(live));
  put($("n-ended"), number.format(tasks.size - live));
  const filter = list.dataset.filter;
  const shown = filter === "live" ? live : filter === "ended" ? tasks.size - live : tasks.size;
  $("empty").hidden = shown > 0;
  $("lesson").hidden = tasks.size > 0 || !user;
  put($("empty-title"), emptyTitle(filter));
  $("tasks-title").title = letGo > 0 ? `${number.format(letGo)} older ones were let go` : "";
}

/** @param {string} filter */
function emptyTitle(filter) {
  if (tasks.size > 0) return filter === "live" ? "Everything has ended." : "Nothing has ended yet.";
  return user ? `Nothing rings for user ${user} yet.` : "Say above whose tasks to listen for.";
}

for (const radio of document.querySelectorAll("[name=filter]")) {
  radio.addEventListener("change", () => {
    list.dataset.filter = /** @type {HTMLInputElement} */ (radio).value;
    drawCounts();
  });
}

// === Ends, said aloud

/** @type {Task[]} */
let ends = [];
let announcing = 0;

/** @param {Task} task */
function announce(task) {
  if (ends.length < 1_000) ends.push(task);
  announcing ||= setTimeout(() => {
    const said =
      ends.length > 3
        ? tally(ends)
        : ends
            .map((one) => `${one.title} ${one.state}${one.state === "failed" ? `: ${one.note}` : ""}`)
            .join(". ");
    put($("ends"), said);
    ends = [];
    announcing = 0;
  }, ANNOUNCE_MS);
}

/** @param {Task[]} ended */
function tally(ended) {
  const of = (/** @type {string} */ state) => ended.filter((one) => one.state === state).length;
  return `${ended.length} tasks ended: ${of("complete")} complete, ${of("failed")} failed, ${of("cancelled")} cancelled`;
}

// === The peal: the last minute at a glance

const canvas = /** @type {HTMLCanvasElement} */ ($("peal"));
/** Notices of each tenth of a second, in a ring. */
const slots = new Uint16Array(PEAL_SLOTS);
const away = new Uint8Array(PEAL_SLOTS);
/** @type {{ at: number, state: string }[]} */
let strokes = [];
let slotNow = Math.floor(Date.now() / 100);
let tones = readTones();

function readTones() {
  const style = getComputedStyle(document.documentElement);
  const tone = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return {
    live: tone("--bronze-bright"),
    complete: tone("--verdigris"),
    failed: tone("--madder"),
    cancelled: tone("--slate"),
    line: tone("--line"),
  };
}
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (tones = readTones()));

function turnSlots() {
  const now = Math.floor(Date.now() / 100);
  if (now - slotNow > PEAL_SLOTS) slotNow = now - PEAL_SLOTS;
  while (slotNow < now) {
    slotNow += 1;
    slots[slotNow % PEAL_SLOTS] = 0;
    away[slotNow % PEAL_SLOTS] = everOpen && socket.state !== "open" ? 1 : 0;
  }
}

/** @param {string} event */
function strike(event) {
  turnSlots();
  const kind = event.slice(event.lastIndexOf(".") + 1);
  slots[slotNow % PEAL_SLOTS] += 1;
  if (isFinal(event))
    strokes.push({ at: Date.now(), state: STATES[/** @type {keyof typeof STATES} */ (kind)] });
  if (strokes.length > 1_000) strokes = strokes.slice(-500);
}

function drawPeal() {
  turnSlots();
  const scale = devicePixelRatio;
  const { clientWidth: width, clientHeight: height } = canvas;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  const now = Date.now();
  const x = (/** @type {number} */ at) => width - 6 - ((now - at) / (PEAL_SECONDS * 1000)) * (width - 12);
  for (let back = 0; back < PEAL_SLOTS; back++) {
    const slot = slotNow - back;
    const left = x(slot * 100);
    pen.fillStyle = tones.line;
    if (away[slot % PEAL_SLOTS]) pen.fillRect(left, 0, width / PEAL_SLOTS + 1, height - 1);
    const struck = slots[slot % PEAL_SLOTS];
    if (!struck) continue;
    pen.fillStyle = tones.live;
    const tall = Math.min(height - 26, 5 + 5 * Math.log2(struck));
    pen.fillRect(left, height - 1 - tall, Math.max(1, Math.min(2, width / PEAL_SLOTS)), tall);
  }
  pen.fillStyle = tones.line;
  pen.fillRect(0, height - 1, width, 1);
  strokes = strokes.filter((one) => now - one.at < PEAL_SECONDS * 1000);
  let last = -Infinity;
  let row = 0;
  for (const { at, state } of strokes) {
    row = x(at) - last < 10 ? (row + 1) % 3 : 0; // ends that came together stand below each other
    last = x(at);
    drawStroke(pen, last, 7 + 11 * row, state);
  }
  let lately = 0;
  for (let back = 1; back <= 20; back++) lately += slots[(slotNow - back) % PEAL_SLOTS];
  put($("rate"), `${number.format(Math.round(lately / 2))} notices/s`);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {string} state */
function drawStroke(pen, x, y, state) {
  pen.fillStyle = pen.strokeStyle = tones[/** @type {keyof typeof tones} */ (state)];
  pen.lineWidth = 2;
  pen.beginPath();
  if (state === "failed") {
    (pen.moveTo(x - 4, y - 4), pen.lineTo(x + 4, y + 4), pen.moveTo(x + 4, y - 4), pen.lineTo(x - 4, y + 4));
    pen.stroke();
  } else {
    pen.arc(x, y, state === "complete" ? 4.5 : 3.5, 0, 2 * Math.PI);
    if (state === "complete") pen.fill();
    else pen.stroke();
  }
}

function peal() {
  requestAnimationFrame(() => {
    drawPeal();
    setTimeout(peal, calm.matches ? 1_000 : 50);
  });
}

// === What arrived, raw

/** @type {{ n: number, at: number, event: string, stamp: any, raw: string }[]} newest last */
let arrived = [];
let arrivedCount = 0;
let drawnTo = 0;

/** @param {string} raw @param {string} event @param {any} stamp */
function keep(raw, event, stamp) {
  arrivedCount += 1;
  arrived.push({ n: arrivedCount, at: Date.now(), event, stamp, raw });
  if (arrived.length >= 2 * RAW_LEN_MAX) arrived = arrived.slice(-RAW_LEN_MAX);
}

function drawArrived() {
  put($("raw-count"), number.format(arrivedCount));
  if (!$("raw").open || $("hold").checked) return;
  const rows = $("raw-list");
  const fresh = document.createDocumentFragment();
  for (const one of arrived.slice(-RAW_LEN_MAX)) if (one.n > drawnTo) fresh.prepend(newRow(one));
  drawnTo = arrivedCount;
  if (fresh.childElementCount === 0) return;
  rows.prepend(fresh);
  while (rows.childElementCount > RAW_LEN_MAX) rows.lastElementChild.remove();
}

/** @param {{ at: number, event: string, stamp: any, raw: string }} arrival */
function newRow({ at, event, stamp, raw }) {
  const row = $("row").content.firstElementChild.cloneNode(true);
  const seq = readId(text(stamp?.id))?.seq;
  row.querySelector("time").textContent = new Date(at).toTimeString().slice(0, 8);
  row.querySelector(".event").textContent = event;
  row.querySelector(".seq").textContent =
    `${stamp?.replayed ? "replayed " : ""}${seq === undefined ? "" : `#${seq}`}`;
  row.querySelector(".bytes").textContent = size(raw.length);
  const details = row.firstElementChild;
  details.addEventListener("toggle", () => {
    details.querySelector("pre").textContent = details.open ? raw : "";
    if (details.open) $("hold").checked = true;
  });
  return row;
}

$("raw").addEventListener("toggle", drawArrived);
$("raw-list").addEventListener("focusin", () => ($("hold").checked = true)); // what is read stays put
$("hold").addEventListener("change", drawArrived);
setInterval(drawArrived, RAW_DRAW_MS);

// === The connection

const publicUrl = readPublicUrl();
let user = params.get("user") ?? "5";
let reconnects = 0;
let restarts = 0;
let lostAt = 0;
let dueAt = 0;
let epoch = "";
let everOpen = false;
/** Whether the present absence has been counted as a restart. */
let restarted = false;
let socket = listen();

/** The server fills this in; a page opened without it looks beside itself. */
function readPublicUrl() {
  const given = document.querySelector("[name=carillon-public]")?.getAttribute("content") ?? "";
  if (!given.startsWith("__")) return given;
  return `${location.protocol}//${location.hostname}:8000`;
}

function listen() {
  const only = params.get("transport");
  const transports = only === "polling" || only === "websocket" ? { transports: [only] } : {};
  const mine = connect(publicUrl, { namespace: "/notice", user, .../** @type {any} */ (transports) });
  mine.on("state", (event) => mine === socket && stateIs(event));
  mine.on("gap", (gap) => mine === socket && gapIs(gap));
  mine.on("departing", ({ reason } = {}) => /restart|drain|shutdown/.test(text(reason)) && restartIs());
  mine.onRaw((raw, event, args) => {
    if (mine !== socket) return;
    keep(raw, event, args[1]);
    if (!args[1]?.id) return;
    epochIs(readId(args[1].id)?.epoch ?? "");
    strike(event);
    take(event, args[0], args[1], raw);
  });
  return mine;
}

/** @param {import("/carillon.js").StateEvent} event */
function stateIs({ state, reason, transport, attempt, retryInMs }) {
  $("connection").dataset.state = state;
  if (state === "open") opened(transport ?? "");
  else if (!lostAt) lostAt = Date.now();
  dueAt = retryInMs === null ? 0 : Date.now() + retryInMs;
  const words = {
    connecting: attempt > 0 ? "Away, coming back" : "Connecting",
    open: "Connected",
    closed: "Closed",
    refused: "Refused",
  };
  put($("state"), words[state]);
  $("again").hidden = state !== "closed" && state !== "refused";
  if (state === "open") put($("why"), publicUrl);
  else if (reason !== "trying again") put($("why"), reason);
  $("why").dataset.reason = reason === "trying again" ? $("why").dataset.reason : reason;
  if (state !== "open") put($("transport"), "none");
}

/** @param {string} transport */
function opened(transport) {
  put($("transport"), transport === "websocket" ? "WebSocket" : "Long-polling");
  if (lostAt && everOpen) {
    const took = Date.now() - lostAt;
    put($("took"), took < 1000 ? `${took} ms` : `${decimal.format(took / 1000)} s`);
    put($("reconnects"), number.format((reconnects += 1)));
  }
  everOpen = true;
  lostAt = 0;
  restarted = false;
}

/** @param {string} next a new epoch is a store that began anew */
function epochIs(next) {
  if (epoch && next !== epoch) restartIs();
  epoch = next;
}

function restartIs() {
  if (restarted) return;
  restarted = true;
  put($("restarts"), number.format((restarts += 1)));
}

/** @param {any} gap */
function gapIs(gap) {
  epochIs(readId(text(gap?.oldest))?.epoch ?? epoch);
  put(
    $("gap"),
    `Some ends may have been missed: the node no longer keeps what followed ${text(gap?.since) || "the last notice seen"}. What is live now is shown.`,
  );
  $("gap").hidden = false;
}

setInterval(() => {
  if (!dueAt) return;
  const left = Math.max(0, dueAt - Date.now()) / 1000;
  put($("why"), `${$("why").dataset.reason}; next try in ${decimal.format(left)} s`);
}, 200);

function startOver() {
  const before = socket;
  socket = listen();
  before.close();
  for (const task of tasks.values()) task.card?.root.remove();
  tasks.clear();
  dirty.clear();
  [epoch, letGo, lostAt, everOpen] = ["", 0, 0, false];
  $("gap").hidden = true;
  showUser();
  stateIs({ state: "connecting", reason: "first attempt", transport: null, attempt: 0, retryInMs: null });
}

$("again").addEventListener("click", startOver);
$("who").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  user = $("user").value.trim();
  params.set("user", user);
  history.replaceState(null, "", `?${params}`);
  startOver();
});

// === A message of one's own

/** The task that the samples are about; a new one once it has ended. */
let mine = newIdentity();
function newIdentity() {
  return `by-hand-${Math.random().toString(36).slice(2, 8)}`;
}

/** @param {string} kind @returns {Record<string, unknown>} what a worker would write */
function sample(kind) {
  const ended = [...tasks.values()].some((task) => task.identity === mine && task.state !== "live");
  if (ended) mine = newIdentity();
  const file = { name: "july.mp4", progress: 40, size: 13_583_667, count: 3 };
  const paths = {
    source: { path: `/55555/01/${file.name}` },
    destination: { path: `/4444/01/${file.name}` },
  };
  const folders = { source: { path: "/55555", size: 303_866_661_143 }, destination: { path: "/4444" } };
  const head = { identity: mine, userIdentity: /^[1-9]\d{0,14}$/.test(user) ? Number(user) : user, type: 10 };
  switch (kind) {
    case "complete":
      return {
        ...head,
        name: "55555",
        ...folders,
        count: 2224,
        status: 1000,
        errorCode: 0,
        errorMessage: "",
        action: "copy",
      };
    case "error":
      return {
        ...head,
        name: "55555",
        ...folders,
        count: 211,
        status: 1000,
        errorCode: 5003,
        errorMessage: "destination is full",
        action: "copy",
      };
    case "cancel":
      return { ...head, ...file, ...paths, status: -1, action: "cancel" };
    default:
      return { ...head, ...file, ...paths, status: 100, action: "copy" };
  }
}

/** @param {string} kind */
function fillIn(kind) {
  $("body").value = JSON.stringify(sample(kind), null, 2);
}
for (const button of document.querySelectorAll("[data-preset]")) {
  button.addEventListener("click", () => fillIn(/** @type {HTMLElement} */ (button).dataset.preset ?? ""));
}

/** @param {string} body sent as typed, valid or not: the answer teaches */
function contentType(body) {
  try {
    JSON.parse(body);
    return "application/json";
  } catch {
    return body.trim().includes("\n") &&
      body
        .trim()
        .split("\n")
        .every((line) => /^\s*(\{.*\})?\s*$/.test(line))
      ? "application/x-ndjson"
      : "application/json";
  }
}

async function handIn() {
  const body = $("body").value;
  $("send").disabled = true;
  try {
    const answer = await fetch("/v1/tasks", {
      method: "POST",
      headers: { "content-type": contentType(body) },
      body,
    });
    showAnswer(answer.status, await answer.text());
  } catch {
    showAnswer(0, "");
  }
  $("send").disabled = false;
}

/** @param {number} status @param {string} body */
function showAnswer(status, body) {
  let report;
  try {
    report = JSON.parse(body);
  } catch {
    report = {};
  }
  const { accepted, superseded, after_final: afterFinal, rejected = [], error } = report;
  const counts = [
    accepted > 0 && `${accepted} accepted`,
    superseded > 0 && `${superseded} superseded by newer`,
    afterFinal > 0 && `${afterFinal} after the task’s end, so not shown`,
    rejected.length > 0 && `${rejected.length} rejected`,
  ].filter(Boolean);
  const verdict = document.createElement("strong");
  verdict.className = status === 202 ? "good" : "bad";
  verdict.textContent = status === 202 ? "✓ 202 " : `✕ ${status || "No answer from the node"} `;
  const said = rejected.length > 0 ? "" : text(error?.message ?? error); // else the list says it
  const words = [counts.join(", "), said, text(error?.hint)].filter(Boolean).join(". ");
  const reasons = document.createElement("ul");
  for (const one of rejected.slice(0, 20)) {
    const item = document.createElement("li");
    item.textContent = `message ${Number(one.index) + 1}: ${text(one.error)}`;
    reasons.append(item);
  }
  $("answer").replaceChildren(
    verdict,
    words || (status ? body.slice(0, 300) : ""),
    ...(rejected.length > 0 ? [reasons] : []),
  );
}

$("message").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  void handIn();
});
$("body").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("message").requestSubmit();
});

// === Beginning

function showUser() {
  $("user").value = user;
  put($("whose"), user);
  document.title = `Carillon: tasks of user ${user}`;
  mine = newIdentity();
  fillIn("progress");
  const line = JSON.stringify({
    identity: "copy_1",
    userIdentity: user,
    name: "july.mp4",
    progress: 80,
    status: 100,
  }).replaceAll("'", "'\\''");
  put($("curl"), `curl -H 'content-type: application/json' -d '${line}' ${location.origin}/v1/tasks`);
  put($("publish"), `echo '${line}' | carillon publish - --to ${location.origin}`);
  drawCounts();
}

if (matchMedia("(max-width: 820px)").matches) $("hand").open = false;
$("main").hidden = false;
showUser();
peal();
