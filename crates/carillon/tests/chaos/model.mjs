// What each page must have heard, beside what it heard. Pure: it is told what happened, and judges.

/** A page that opens is owed the ends of this long before. Half of recovery.window, since that is by the clock of Redis. */
const REACH_MS = 60_000;
/** How long an old primary and its replica may have said different things, before and after the sentinels told of the new one. */
const UNSAID_MS = 12_000;
/** Later than this after acceptance, connection and the end of the faults of that moment is late. */
export const LATE_MS = 5_000;

export class Model {
  tasks = new Map();
  pages = new Map();
  /** `{ what, page, identity, at, … }`: what must never happen. */
  faults = [];
  gaps = 0;
  /** How often a page came back, and how often it was given its seat back, as Socket.IO calls it. */
  returns = 0;
  recovered = 0;
  /** What was heard from a primary that was replaced before its replica had it, and was then unsaid. No fault: it was not accepted. */
  takenBack = 0;
  #failovers = [];
  #byUser = new Map();

  /** A task begins. One that is not versioned may fall back where its worker had to say a thing twice. */
  begun({ identity, user, road, isVersioned }) {
    const task = { identity, user, road, isVersioned, isRetried: false, sent: null, accepted: null, id: null, idAt: null };
    this.tasks.set(identity, task);
    if (!this.#byUser.has(user)) this.#byUser.set(user, []);
    this.#byUser.get(user).push(task);
  }

  /** Something of it had to be handed in again. */
  retried(identity) {
    this.tasks.get(identity).isRetried = true;
  }

  /** Its end is handed in, for the first time. */
  sent(identity, at) {
    this.tasks.get(identity).sent ??= at;
  }

  /** Its end is accepted: answered 202, or in Redis and its replica. */
  accepted(identity, at) {
    this.tasks.get(identity).accepted ??= at;
  }

  opened(name, { user, about, at }) {
    this.pages.set(name, {
      name, user, about, opened: at, isOpen: true, isConnected: false, connected: null,
      ends: new Map(), steps: new Map(), fresh: new Set(), newest: null, story: [],
    });
  }

  /** Closed by ourselves: nothing is owed any more. */
  closed(name) {
    this.pages.get(name).isOpen = false;
  }

  connected(name, at, isRecovered = false) {
    const page = this.pages.get(name);
    this.returns += page.connected === null ? 0 : 1;
    this.recovered += isRecovered ? 1 : 0;
    Object.assign(page, { isConnected: true, connected: at, fresh: new Set(), newest: null });
    page.story.push({ at, what: isRecovered ? 'recovered' : 'connected' });
  }

  cut(name, at, reason) {
    const page = this.pages.get(name);
    page.isConnected = false;
    page.story.push({ at, what: `cut: ${reason}` });
  }

  /** Redis has another primary, or it had one a moment ago. */
  failedOver(at) {
    this.#failovers.push(at);
  }

  /** Whether what was heard then may be unsaid now: a primary went meanwhile, and nobody said that it was accepted. */
  #mayBeUnsaid(task, heardAt, now) {
    const isConfirmed = task.road === 'http' && task.accepted !== null;
    return this.#failovers.some((at) => heardAt >= at - UNSAID_MS && heardAt <= at + UNSAID_MS && now >= at - UNSAID_MS
      && !(isConfirmed && task.accepted < at - UNSAID_MS));
  }

  /** `step` counts the progress of a task; an end has none. */
  heard(name, { at, identity, step, isEnd, id, isReplayed }) {
    const page = this.pages.get(name);
    const task = this.tasks.get(identity);
    const blame = (what) => this.faults.push({ what, page: name, identity, at, step, id });
    if (!task || task.user !== page.user) return blame('heard by somebody else');
    page.story.push({ at, identity, what: `${isEnd ? 'its end' : `step ${step}`}, ${id}${isReplayed ? ', replayed' : ''}` });
    if (!isReplayed) this.#numbered(page, id, blame);
    if (isEnd) return this.#ended(page, task, { at, id }, blame);
    const unsay = (heardAt, what) => {
      if (this.#mayBeUnsaid(task, heardAt, at)) this.takenBack += 1;
      else blame(what);
    };
    const end = page.ends.get(identity);
    if (end) unsay(end.first, 'progress after the end');
    const before = page.steps.get(identity) ?? { step: -1, at };
    if (step < before.step && (task.isVersioned || !task.isRetried)) unsay(before.at, `progress fell back from ${before.step}`);
    if (step > before.step) page.steps.set(identity, { step, at });
  }

  /** Fresh notices of one connection come in the order of their numbers; what is sent again, as after a failover, was heard. */
  #numbered(page, id, blame) {
    const seq = Number(id.slice(id.lastIndexOf('-') + 1));
    if (page.fresh.has(id)) return;
    page.fresh.add(id);
    if (page.newest !== null && seq <= page.newest) blame(`number ${seq} after ${page.newest}`);
    page.newest = seq;
  }

  #ended(page, task, { at, id }, blame) {
    if (task.id !== null && task.id !== id) {
      if (this.#mayBeUnsaid(task, task.idAt, at)) this.takenBack += 1;
      else blame(`an end of two ids, ${task.id} before`);
    }
    if (task.id !== id) Object.assign(task, { id, idAt: at });
    const known = page.ends.get(task.identity);
    if (known) known.times += 1;
    else page.ends.set(task.identity, { first: at, times: 1, connected: page.connected });
  }

  gap(name, at) {
    this.gaps += 1;
    this.pages.get(name).story.push({ at, what: 'gap' });
  }

  /** The pages that must have this end: open, connected now, and opened in time for it. */
  owed(task) {
    if (task.accepted === null) return [];
    return this.pagesOf(task.user).filter((page) => page.isConnected && task.accepted >= page.opened - REACH_MS);
  }

  pagesOf(user) {
    return [...this.pages.values()].filter((page) => page.isOpen && page.user === user);
  }

  /** Every end that a page is owed and has not: `{ page, task }`. */
  missing() {
    const missing = [];
    for (const page of this.pages.values()) {
      if (!page.isOpen || !page.isConnected) continue;
      for (const task of this.#byUser.get(page.user) ?? []) {
        const isOwed = task.accepted !== null && task.accepted >= page.opened - REACH_MS;
        if (isOwed && !page.ends.has(task.identity)) missing.push({ page, task });
      }
    }
    return missing;
  }

  /** Open pages that are not connected. */
  away() {
    return [...this.pages.values()].filter((page) => page.isOpen && !page.isConnected);
  }

  /** How long an end took to a page, from when it was accepted and the page connected. */
  static delay(task, heard) {
    return Math.max(0, heard.first - Math.max(task.accepted, heard.connected));
  }
}
