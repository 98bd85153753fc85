import { expect, it } from "vitest";
import { BreakerSummary } from "./breaker-summary.ts";

it("says of a worker what the worst of the threads says, each change once", () => {
  const forgotten: number[] = [];
  const changes: string[] = [];
  const summary = new BreakerSummary((slot) => forgotten.push(slot));
  summary.watch((slot, from, to) => changes.push(`${slot} ${from} ${to}`));
  summary.changed(0, 5, "open");
  summary.changed(1, 5, "open");
  summary.changed(0, 5, "half-open");
  expect(summary.state(5)).toBe("open");
  // What shadow policies ask, which decide in this thread.
  expect([summary.guard.admits(5, 0), summary.guard.admits(6, 0), summary.guard.admitsAll()]).toEqual([
    false,
    true,
    false,
  ]);
  summary.changed(1, 5, "half-open");
  summary.changed(1, 5, "closed");
  expect(summary.state(5)).toBe("half-open");
  summary.forgetThread(0);
  expect([summary.state(5), summary.state(6)]).toEqual(["closed", "closed"]);
  expect(changes).toEqual(["5 closed open", "5 open half-open", "5 half-open closed"]);
  summary.changed(1, 5, "open");
  summary.forget(5);
  expect([summary.state(5), forgotten]).toEqual(["closed", [5]]);
  expect([summary.guard.admits(5, 0), summary.guard.admitsAll()]).toEqual([true, true]);
});
