/** One user or one room: where they sit, how their tasks stand, and what they are sent, as it is sent. */

import { $, ask, button, count, element, give, read, sure, trouble } from "./node.js";

/** Lines of the tail that are kept; the oldest goes first. */
const LINES_MAX = 200;

/** @type {AbortController | null} */
let watching = null;
let asked = new URLSearchParams();

/** Looks for whom the form names. */
async function look() {
  const [user, room, namespace] = ["user", "room", "namespace"].map((name) => $(`by-${name}`).value.trim());
  if (Boolean(user) === Boolean(room)) {
    $("finding").textContent = "Name either a user or a room.";
    return;
  }
  stop();
  asked = new URLSearchParams({ ...(user ? { user } : { room }), namespace });
  const [{ sockets, more, missing = [] }, tasks] = await Promise.all([
    read(`/v1/sockets?${asked}&limit=200`),
    user ? read(`/v1/users/${encodeURIComponent(user)}/tasks`) : { tasks: [] },
  ]);
  $("found").hidden = false;
  $("of-user").hidden = !user;
  const whose = user ? `User ${user}` : `Room ${room}`;
  const nodes = new Set(sockets.map((/** @type {any} */ socket) => socket.node)).size;
  const away = missing.length ? ` ${missing.join(", ")} did not answer in time.` : "";
  $("finding").textContent = sockets.length
    ? `${whose} has ${count(sockets.length)}${more ? " or more" : ""} socket${sockets.length === 1 ? "" : "s"} in ${namespace} on ${nodes} node${nodes === 1 ? "" : "s"}.${away}`
    : `${whose} has no socket in ${namespace}: no page of theirs is connected there.${away}`;
  fill("sockets", sockets.map(socketRow), 8, "none");
  fill("tasks", tasks.tasks.map(taskRow), 4, "no task is known, live or lately finished");
  $("tail").replaceChildren();
}

/** @param {string} id @param {HTMLElement[]} rows @param {number} columns @param {string} nothing */
function fill(id, rows, columns, nothing) {
  const none = element("tr", element("td", nothing, { colspan: String(columns), class: "nothing-here" }));
  $(id).replaceChildren(...(rows.length ? rows : [none]));
}

/** @param {any} socket */
function socketRow(socket) {
  const since = new Date(socket.connected_at);
  return element("tr", [
    element("th", socket.id, { scope: "row", class: "mono" }),
    element("td", socket.node),
    element("td", `${socket.protocol} by ${socket.transport}`),
    element("td", socket.address),
    element("td", socket.rooms.join(", ") || "–", { class: "wide" }),
    element("td", element("time", since.toLocaleTimeString("en-GB"), { datetime: since.toISOString() })),
    element("td", `${count(socket.queued_bytes)} B`, { class: "number" }),
    element("td", button("Disconnect…", () => putOut(socket))),
  ]);
}

/** @param {any} socket */
async function putOut({ id, namespace }) {
  const text = "Its client is told not to come back by itself, as when its account is closed. What it has not been sent is lost to this page.";
  if (!(await sure(`Disconnect ${id}?`, text, "Disconnect it"))) return;
  await give("/v1/sockets/disconnect", { socket: id, namespace, close: false, reason: "an operator" });
  await look();
}

/** @param {any} task */
function taskRow(task) {
  const { event = "", data = task } = task;
  const share = typeof data.progress === "number" ? `${data.progress} %` : "–";
  return element("tr", [
    element("th", String(data.identity ?? task.identity ?? ""), { scope: "row", class: "mono" }),
    element("td", event),
    element("td", String(data.name ?? data.source?.name ?? "–"), { class: "wide" }),
    element("td", share, { class: "number" }),
  ]);
}

/** Stops the tail, if there is one. */
export function stop() {
  watching?.abort();
  watching = null;
  $("watch").textContent = "Watch";
  $("watch").setAttribute("aria-pressed", "false");
}

async function watch() {
  const own = new AbortController();
  watching = own;
  $("watch").textContent = "Stop";
  $("watch").setAttribute("aria-pressed", "true");
  $("tail-state").textContent = "watching";
  try {
    const answer = await ask(`/v1/tail?${asked}`, { signal: own.signal });
    await lines(/** @type {ReadableStream<Uint8Array>} */ (answer.body), take);
    $("tail-state").textContent = "the node ended it";
  } catch (error) {
    const isOurs = own.signal.aborted;
    $("tail-state").textContent = isOurs ? "stopped" : "it broke off";
    if (!isOurs) trouble(error);
  }
  if (watching === own) stop();
}

/** Hands on the data of each event of a stream, with its id. @param {ReadableStream<Uint8Array>} body @param {(data: string) => void} take */
async function lines(body, take) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let held = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const events = (held + value).split("\n\n");
    held = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
      if (data.length) take(data.join("\n"));
    }
  }
}

/** @param {string} data */
function take(data) {
  const { event, args = [], replayed = false } = JSON.parse(data);
  const now = new Date();
  const shown = element("li", [
    element("time", now.toLocaleTimeString("en-GB"), { datetime: now.toISOString() }),
    element("span", replayed ? `${event} (known)` : event, replayed ? { class: "known" } : {}),
    element("code", args.map((/** @type {unknown} */ arg) => JSON.stringify(arg)).join(", ")),
  ]);
  $("tail").prepend(shown);
  while ($("tail").children.length > LINES_MAX) $("tail").lastElementChild.remove();
}

$("search").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  look().then(() => trouble(), trouble);
});
$("watch").addEventListener("click", () => (watching ? stop() : watch()));
