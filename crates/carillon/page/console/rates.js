/**
 * What a node does a second, out of two readings of its metrics, and a small plot of the last minutes of each.
 */

import { count, element } from "./node.js";

const POINTS = 60;
const [WIDTH, HEIGHT] = [120, 40];

/** @typedef {{ labels: Record<string, string>, value: number }} Sample */
/** @typedef {Map<string, Sample[]>} Reading */

/** Prometheus' text form. @param {string} text @returns {Reading} */
export function parse(text) {
  const reading = new Map();
  for (const line of text.split("\n")) {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
    if (!found) continue;
    const [, name, inner = "", value] = found;
    const labels = Object.fromEntries([...inner.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label, said]) => [label, said]));
    if (!reading.has(name)) reading.set(name, []);
    reading.get(name).push({ labels, value: Number(value) });
  }
  return reading;
}

/** @param {Reading} reading @param {string} name @param {Record<string, string>} [labels] */
export function sum(reading, name, labels = {}) {
  const fits = (/** @type {Sample} */ sample) => Object.entries(labels).every(([label, said]) => sample.labels[label] === said);
  return (reading.get(name) ?? []).filter(fits).reduce((total, { value }) => total + value, 0);
}

/** The bound, in seconds, below which this share of what was observed between two readings lies. @param {Reading} before @param {Reading} after @param {string} name @param {number} share */
export function quantile(before, after, name, share) {
  const bucket = `${name}_bucket`;
  const bounds = [...new Set((after.get(bucket) ?? []).map(({ labels }) => labels.le))]
    .sort((one, other) => toNumber(one) - toNumber(other));
  const grown = (/** @type {string} */ le) => sum(after, bucket, { le }) - sum(before, bucket, { le });
  const all = grown("+Inf");
  if (all <= 0) return null;
  return toNumber(bounds.find((le) => grown(le) >= all * share) ?? "+Inf");
}

/** @param {string} le */
const toNumber = (le) => (le === "+Inf" ? Infinity : Number(le));

const per = (/** @type {number} */ n) => `${n < 10 ? n.toFixed(1) : count(Math.round(n))} /s`;
const bytes = (/** @type {number} */ n) => `${(n / 2 ** 20).toFixed(1)} MiB`;
const span = (/** @type {number} */ s) => (s < 1 ? `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms` : `${s} s`);

/** What is shown, and how: a counter by its growth, all else as it stands. */
const SHOWN = [
  { title: "Notices from the bus and workers", name: "carillon_notices_total", show: per },
  { title: "Deliveries to sockets", name: "carillon_deliveries_total", show: per },
  { title: "Delivered within, 99 of 100", name: "carillon_delivery_seconds", share: 0.99, show: (/** @type {number} */ s) => (s === Infinity ? "over the last bound" : span(s)) },
  { title: "New seats", name: "carillon_handshakes_total", labels: { outcome: "seated" }, show: per },
  { title: "Departures", name: "carillon_departures_total", show: per },
  { title: "Dropped", name: "carillon_dropped_total", show: per },
  { title: "Messages nobody has read", name: "carillon_ingest_lag_messages", gauge: true, show: count },
  { title: "Waiting for slow sockets", name: "carillon_queue_bytes", gauge: true, show: bytes },
  { title: "Memory", name: "carillon_memory_bytes", gauge: true, show: bytes },
];

export class Rates {
  /** @type {{ reading: Reading, at: number } | null} */
  #last = null;
  #rows;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#rows = SHOWN.map((shown) => {
      const output = /** @type {HTMLOutputElement} */ (element("output", "–"));
      const plot = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      plot.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
      plot.setAttribute("preserveAspectRatio", "none");
      plot.setAttribute("aria-hidden", "true");
      list.append(element("li", [element("h4", shown.title), output, plot]));
      return { shown, output, plot, points: /** @type {number[]} */ ([]) };
    });
  }

  /** @param {string} text what `/metrics` said just now */
  take(text) {
    const [reading, at] = [parse(text), performance.now()];
    if (this.#last) this.#draw(this.#last.reading, reading, (at - this.#last.at) / 1000);
    this.#last = { reading, at };
    return reading;
  }

  /** @param {Reading} before @param {Reading} after @param {number} seconds */
  #draw(before, after, seconds) {
    for (const { shown, output, plot, points } of this.#rows) {
      const value = valueOf(shown, before, after, seconds);
      output.textContent = value === null ? "–" : shown.show(value);
      points.push(value === null || value === Infinity ? 0 : value);
      if (points.length > POINTS) points.shift();
      plot.replaceChildren(...drawn(points));
    }
  }
}

/** @param {any} shown @param {Reading} before @param {Reading} after @param {number} seconds @returns {number | null} */
function valueOf({ name, labels, gauge, share }, before, after, seconds) {
  if (share) return quantile(before, after, name, share);
  if (gauge) return sum(after, name, labels);
  // A node that was started anew counts from nothing.
  return Math.max(0, (sum(after, name, labels) - sum(before, name, labels)) / seconds);
}

/** @param {number[]} points */
function drawn(points) {
  const top = Math.max(...points, 1e-9);
  const x = (/** @type {number} */ at) => ((at + POINTS - points.length) / (POINTS - 1)) * WIDTH;
  const y = (/** @type {number} */ value) => HEIGHT - 2 - (value / top) * (HEIGHT - 6);
  const line = points.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  const made = ["polygon", "polyline"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
  made[0].setAttribute("points", `${x(0).toFixed(1)},${HEIGHT} ${line} ${WIDTH},${HEIGHT}`);
  made[1].setAttribute("points", line);
  return made;
}
