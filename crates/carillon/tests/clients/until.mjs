// Waiting: for a condition, with a deadline, and words for when it does not come. Nothing sleeps.

/** Resolves with the first truthy answer of `check`; rejects with `what` when `deadline` ms pass. */
export async function until(what, check, deadline = 10_000) {
  const end = performance.now() + deadline;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (performance.now() > end) throw new Error(`waited ${deadline} ms for: ${text(what)}`);
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

/** `promise`, or a rejection with `what` when `deadline` ms pass. */
export async function within(what, promise, deadline = 10_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${deadline} ms for: ${text(what)}`)), deadline);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** What was waited for, said when the wait is over, so that it can tell what came instead. */
const text = (what) => (typeof what === 'function' ? what() : what);
