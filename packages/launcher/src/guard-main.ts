/**
 * The guard's program. Reads `{"watch": family}` and `{"unwatch": mark}` lines; at end of file, which comes when the
 * parent is gone however it ended, it ends every family still watched.
 */
import { createInterface } from "node:readline";

import { endFamily, type Family } from "./process-family.ts";

const GRACE_MS = 3_000;

const families = new Map<string, Family>();

// A signal to the parent's terminal or service must not take the guard away first.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
  process.on(signal, () => undefined);
}

for await (const line of createInterface({ input: process.stdin })) {
  const message = read(line);
  if (message.watch !== undefined) families.set(message.watch.mark, message.watch);
  if (message.unwatch !== undefined) families.delete(message.unwatch);
}
await Promise.all([...families.values()].map((family) => endFamily(family, GRACE_MS)));

/** The parent may be killed in the middle of a line. */
function read(line: string): { watch?: Family; unwatch?: string } {
  try {
    return JSON.parse(line) as { watch?: Family; unwatch?: string };
  } catch {
    return {};
  }
}
