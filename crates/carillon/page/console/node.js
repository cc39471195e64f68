/**
 * How the console asks its node: the internal API, with the key that somebody gave, and a word to the person
 * when it says no. The key stays in this tab.
 */

const KEPT = "carillon-key";

/** @param {string} id @returns {any} */
export const $ = (id) => document.getElementById(id);

/** An answer that is no success. */
export class Refused extends Error {
  /** @param {number} status @param {string} message @param {string} [hint] */
  constructor(status, message, hint) {
    super(hint ? `${message} (${hint})` : message);
    this.status = status;
  }
}

/** @param {string} key */
export function useKey(key) {
  if (key) sessionStorage.setItem(KEPT, key);
  else sessionStorage.removeItem(KEPT);
}

/** @param {string} path @param {RequestInit} [more] */
export async function ask(path, more = {}) {
  const key = sessionStorage.getItem(KEPT);
  const headers = key ? { authorization: `Bearer ${key}` } : undefined;
  const answer = await fetch(path, { headers, ...more }).catch(() => {
    if (more.signal?.aborted) throw new DOMException("given up", "AbortError");
    throw new Refused(0, "this node does not answer");
  });
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Refused(answer.status, error?.message ?? `the node answered ${answer.status}`, error?.hint);
}

/** @param {string} path */
export const read = async (path) => (await ask(path)).json();

/** @param {string} path @param {unknown} body */
export const give = async (path, body) =>
  (await ask(path, { method: "POST", body: JSON.stringify(body) })).json();

/** Shows a person why something did not come about; nothing takes it away again. @param {unknown} [error] */
export function trouble(error) {
  const told = error instanceof Refused ? error.message : error ? String(error) : "";
  const isKey = error instanceof Refused && (error.status === 401 || error.status === 403);
  const text = isKey ? `${told}. Give a key that may, above.` : told;
  // Written again, it would be read out again.
  if ($("trouble").textContent !== text) $("trouble").textContent = text;
  $("trouble").hidden = !told;
  if (isKey) $("key").placeholder = "a key is asked for";
}

/** Asks a person before something is done that is felt. @param {string} title @param {string} text @param {string} yes */
export async function sure(title, text, yes) {
  const dialog = $("ask");
  $("ask-title").textContent = title;
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  await new Promise((closed) => dialog.addEventListener("close", closed, { once: true }));
  return dialog.returnValue === "yes";
}

/** An element with text, never with HTML. @param {string} name @param {string | Node | (string | Node)[]} [inner] @param {Record<string, string>} [more] */
export function element(name, inner = "", more = {}) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(more)) made.setAttribute(attribute, value);
  made.append(...(Array.isArray(inner) ? inner : [inner]));
  return made;
}

/** A button that is off while what it does is under way. @param {string} text @param {() => Promise<unknown>} deed */
export function button(text, deed) {
  const made = /** @type {HTMLButtonElement} */ (element("button", text, { type: "button" }));
  made.addEventListener("click", async () => {
    made.disabled = true;
    await deed().then(() => trouble(), trouble);
    made.disabled = false;
  });
  return made;
}

const wholes = new Intl.NumberFormat("en-GB");
/** @param {number} n */
export const count = (n) => wholes.format(n);
