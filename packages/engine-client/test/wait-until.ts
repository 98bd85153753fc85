/** Waits until a condition holds, looking once per turn of the event loop; fails after 10 s. */
export async function waitUntil(condition: () => boolean, what: string): Promise<void> {
  const deadlineAtMs = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadlineAtMs) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Lets the event loop turn so often that everything that was under way has arrived, or has had every chance to. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
