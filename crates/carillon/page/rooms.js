/**
 * The room page: one window, one socket, and every word that it is told. What is told is never read as
 * HTML.
 */

import { SocketHandle } from "/carillon.js";

/** Lines kept; the oldest goes first. */
const LINES_MAX = 200;

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);
const publicUrl = /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=carillon-public]")).content;

const handle = new SocketHandle(publicUrl);

/** @param {string} code @param {string} text */
function tell(code, text) {
  const line = document.createElement("li");
  const [time, badge, words] = ["time", "b", "span"].map((name) => document.createElement(name));
  time.textContent = new Date().toLocaleTimeString("en-GB");
  badge.textContent = code;
  words.textContent = text;
  line.dataset.code = code;
  line.append(time, badge, words);
  $("told").prepend(line);
  $("nothing").hidden = true;
  while ($("told").children.length > LINES_MAX) $("told").lastElementChild.remove();
}

handle.listen((/** @type {any} */ { code, msg }) => tell(code, msg));
handle.listen("flash", (/** @type {unknown} */ text) => tell("flash", String(text)));
handle.socket.on("state", ({ state, reason }) => {
  $("connection").dataset.state = state;
  $("state").textContent = state === "open" ? "Connected" : `${state}: ${reason}`;
});

/** @returns {string} */
const room = () => $("room").value.trim();

$("login").addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  $("enter").disabled = true;
  try {
    await handle.loginRoom(room(), new FormData($("login")).get("type"));
  } catch (error) {
    // The server's own answers were told already.
    if (!(/** @type {any} */ (error).code)) tell("error", String(error));
  }
  $("enter").disabled = false;
});

$("leave").addEventListener("click", () => {
  handle.leaveRoom(room());
  tell("left", `left room ${room()}`);
});

$("say").addEventListener("submit", async (/** @type {Event} */ event) => {
  event.preventDefault();
  const emit = { to: { room: room() }, event: "flash", data: $("text").value };
  const answer = await fetch("/v1/emit", { method: "POST", body: JSON.stringify(emit) }).catch(() => null);
  if (!answer?.ok) tell("error", answer ? (await answer.text()).slice(0, 300) : "the node does not answer");
});
