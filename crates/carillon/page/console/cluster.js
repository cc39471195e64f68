/** The nodes: how full they are, which of them go, and what an operator may have them do. */

import { $, button, count, element, give, sure, trouble } from "./node.js";

/** @typedef {{ node: string, roles: string[], version: string, sockets: number, headroom: number, draining?: boolean, this?: boolean }} Node */

/** Either is `null` where this node's roles do not include it. @param {Node[] | null} nodes @param {number | null} letters */
export function show(nodes, letters) {
  $("of-cluster").hidden = !nodes;
  $("no-sockets").hidden = Boolean(nodes);
  const tiles = [...(nodes ? tilesOf(nodes) : []), ["Dead letters", letters === null ? "–" : count(letters), letters ? "bad" : ""]];
  const tile = ([title, value, tone = ""]) =>
    element("div", [element("dt", title), element("dd", value)], { "data-tone": tone });
  $("tiles").replaceChildren(...tiles.map(tile));
  // What somebody is about to press stays where it is.
  if (nodes && !$("nodes").contains(document.activeElement)) $("nodes").replaceChildren(...nodes.map(row));
}

/** @param {Node[]} nodes */
function tilesOf(nodes) {
  const total = (/** @type {(node: Node) => number} */ of) => nodes.reduce((sum, node) => sum + of(node), 0);
  return [
    ["Nodes", count(nodes.length)],
    ["Sockets", count(total((node) => node.sockets))],
    ["Room left", count(total((node) => node.headroom))],
    ["Going", count(total((node) => Number(node.draining ?? false)))],
  ];
}

/** @param {Node} node */
function row(node) {
  const all = node.sockets + node.headroom;
  const meter = element("meter", "", { min: "0", max: String(Math.max(all, 1)), value: String(node.sockets),
    "aria-label": `${count(node.sockets)} of ${count(all)} places taken` });
  const drain = button("Drain…", () => empty(node));
  drain.disabled = Boolean(node.draining);
  return element("tr", [
    element("th", node.this ? [node.node, element("span", " this one", { class: "soft" })] : node.node, { scope: "row" }),
    element("td", node.draining ? "going" : "serving"),
    element("td", node.roles.join(", ")),
    element("td", node.version),
    element("td", count(node.sockets), { class: "number" }),
    element("td", element("div", [meter, count(node.headroom)], { class: "room" })),
    element("td", drain),
  ]);
}

/** @param {Node} node */
async function empty(node) {
  const text = `It takes no newcomers from now on, and its ${count(node.sockets)} sockets go to other nodes, at the pace they can take them. It stays up, empty, until it is restarted.`;
  if (await sure(`Drain ${node.node}?`, text, "Drain it")) await give(`/v1/nodes/${encodeURIComponent(node.node)}/drain`, {});
}

$("rebalance").addEventListener("click", async () => {
  const text = "Every node with more sockets than the mean closes what is too much, slowly; those clients come back where there is room.";
  if (!(await sure("Rebalance the cluster?", text, "Rebalance"))) return;
  await give("/v1/nodes/rebalance", {}).then(() => trouble(), trouble);
});
