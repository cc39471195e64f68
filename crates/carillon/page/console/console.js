/**
 * The console: a view by the address's fragment, asked anew while somebody looks at it.
 *
 * `#cluster`, `#someone`, `#someone?user=5` and `#dead`.
 */

import * as cluster from "./cluster.js";
import * as dead from "./dead.js";
import { $, Refused, ask, read, trouble, useKey } from "./node.js";
import { Rates, sum } from "./rates.js";
import * as someone from "./someone.js";

const LOOK_EVERY_MS = 2_000;
const VIEWS = ["cluster", "someone", "dead"];

const rates = new Rates($("rates"));

/** What a call answers; `null` where this node's roles do not include it. @param {string} path */
async function readIfHere(path) {
  try {
    return await read(path);
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** @param {"open" | "unready" | "away"} state @param {string} text */
function tellHere(state, text) {
  $("here").dataset.state = state;
  if ($("here-text").textContent !== text) $("here-text").textContent = text;
}

async function look() {
  const [metrics, ready] = await Promise.all([
    ask("/metrics").then((answer) => answer.text()),
    fetch("/readyz").then((answer) => answer.ok, () => false),
  ]);
  const reading = rates.take(metrics);
  const redisIsAway = reading.has("carillon_redis_up") && sum(reading, "carillon_redis_up") === 0;
  if (redisIsAway) tellHere("unready", "Redis does not answer");
  else tellHere(ready ? "open" : "unready", ready ? "This node is ready" : "This node is not ready");
  const count = (await readIfHere("/v1/dead?limit=1"))?.count ?? null;
  $("dead-badge").hidden = !count;
  $("dead-badge").textContent = String(count ?? "");
  cluster.show((await readIfHere("/v1/nodes"))?.nodes ?? null, count);
}

/** Whether the last look failed: what it said is taken back once one does not. */
let failed = false;

async function lookAgain() {
  if (!document.hidden) {
    try {
      await look();
      if (failed) trouble();
      failed = false;
    } catch (error) {
      failed = true;
      if (error instanceof Refused && error.status === 0) tellHere("away", "This node does not answer");
      trouble(error);
    }
  }
  setTimeout(lookAgain, LOOK_EVERY_MS);
}

/** Shows the view that the address names. */
function turn() {
  const [name, query = ""] = location.hash.slice(1).split("?");
  const view = VIEWS.includes(name) ? name : VIEWS[0];
  for (const each of VIEWS) $(`view-${each}`).hidden = each !== view;
  for (const link of document.querySelectorAll("nav a[href^='#']")) {
    const isHere = link.getAttribute("href") === `#${view}`;
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (view !== "someone") someone.stop();
  if (view === "dead") dead.show().then(() => trouble(), trouble);
  const wanted = new URLSearchParams(query);
  if (view === "someone" && query) {
    for (const field of ["user", "room", "namespace"]) $(`by-${field}`).value = wanted.get(field) ?? (field === "namespace" ? "/notice" : "");
    $("search").requestSubmit();
  }
}

$("key-form").addEventListener("submit", (/** @type {Event} */ event) => {
  event.preventDefault();
  useKey($("key").value);
  trouble();
  turn();
});
document.querySelector(".demo")?.toggleAttribute("hidden", !document.querySelector("meta[name=carillon-demo]"));
addEventListener("hashchange", turn);
turn();
lookAgain();
