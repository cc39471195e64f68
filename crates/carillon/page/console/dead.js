/** What nobody could use of the workers' messages: read, handed in again, or let go. */

import { $, button, count, element, give, read, sure, trouble } from "./node.js";

let oldest = "";

/** Shows the newest, or those before the oldest that is shown. @param {boolean} [further] */
export async function show(further = false) {
  const before = further ? `&before=${encodeURIComponent(oldest)}` : "";
  const { letters, count: all } = await read(`/v1/dead?limit=20${before}`);
  if (!further) $("letters").replaceChildren();
  $("letters").append(...letters.map(item));
  oldest = letters.at(-1)?.id ?? oldest;
  const shown = $("letters").children.length;
  $("older").hidden = letters.length < 20 || shown >= all;
  $("dead-count").textContent = all
    ? `${count(all)} of the workers' messages could not be used; the newest first.`
    : "None: all that workers handed in could be used.";
  for (const id of ["replay-all", "drop-all"]) $(id).disabled = !all;
}

/** @param {any} letter */
function item(letter) {
  const facts = [letter.reason, `from ${letter.source}`, letter.at, `${letter.tries} ${letter.tries === 1 ? "try" : "tries"}`, letter.id];
  return element("li", [
    element("strong", letter.error, { class: "why" }),
    element("p", facts.join(" · "), { class: "soft" }),
    element("pre", letter.json, { tabindex: "0" }),
    element("div", [
      button("Hand in again", () => deed("replay", { id: letter.id })),
      button("Drop…", () => drop({ id: letter.id }, "Drop this letter?")),
    ], { class: "pair" }),
  ]);
}

/** @param {string} what @param {object} which */
async function deed(what, which) {
  await give(`/v1/dead/${what}`, which);
  await show();
}

/** @param {object} which @param {string} title */
async function drop(which, title) {
  if (await sure(title, "It cannot be had back.", "Drop")) await deed("drop", which);
}

/** @param {string} id @param {() => Promise<unknown>} act */
const onClick = (id, act) => $(id).addEventListener("click", () => act().then(() => trouble(), trouble));

onClick("older", () => show(true));
onClick("drop-all", () => drop({ all: true }, "Drop all dead letters?"));
onClick("replay-all", async () => {
  const text = "Each is taken as a new message. What is still unusable becomes a dead letter again.";
  if (await sure("Hand all in again?", text, "Hand them in")) await deed("replay", { all: true });
});
