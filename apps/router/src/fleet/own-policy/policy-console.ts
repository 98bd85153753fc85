import { format } from "node:util";
import type { PolicySaid } from "./policy-messages.ts";

/** Most lines a second that are passed on, and their greatest length in UTF-16 units. */
const LINES_PER_SECOND = 50;
const MAX_LINE = 2_000;
const METHODS = ["debug", "error", "info", "log", "trace", "warn"] as const;

/**
 * Sends what a policy writes to the console to the router's log. The thread's own streams would gather it for ever: they
 * need an event loop, and that of the thread stands still. What comes too fast is left out and counted.
 */
export function sendConsole(
  target: Pick<Console, (typeof METHODS)[number]>,
  port: { postMessage(said: PolicySaid): void },
  nowMs: () => number,
): void {
  let secondBeganAtMs = -Infinity;
  let lines = 0;
  let leftOut = 0;
  const write = (...values: readonly unknown[]): void => {
    const atMs = nowMs();
    if (atMs - secondBeganAtMs >= 1_000) {
      secondBeganAtMs = atMs;
      lines = 0;
    }
    lines += 1;
    if (lines > LINES_PER_SECOND) {
      leftOut += 1;
      return;
    }
    const text = format(...values).slice(0, MAX_LINE);
    const before = leftOut === 0 ? "" : ` (${leftOut} lines before were left out)`;
    leftOut = 0;
    port.postMessage({ kind: "said", text: `${text}${before}` });
  };
  for (const method of METHODS) {
    target[method] = write;
  }
}
