import { describe, expect, it } from "vitest";
import { doorsSizeBytes, SharedDoors } from "./shared-doors.ts";

const OPTIONS = { maxConcurrentRequests: 3, startAtMs: 0 };

describe("SharedDoors", () => {
  it("has one limit and one queue's length for all threads", () => {
    const doors = new SharedDoors(new SharedArrayBuffer(doorsSizeBytes(2)));
    const freed: number[] = [];
    const gates = [0, 1].map((thread) => doors.gate(thread, OPTIONS, () => freed.push(thread)));
    const places = [0, 1].map((thread) => doors.places(thread, 2));
    expect([gates[0]!.tryEnter(0), gates[1]!.tryEnter(0), gates[0]!.tryEnter(0)]).toEqual([true, true, true]);
    expect([gates[1]!.tryEnter(0), doors.inside]).toEqual([false, 3]);
    expect([places[1]!.tryJoin(), places[1]!.tryJoin(), places[0]!.tryJoin()]).toEqual([true, true, false]);
    expect([doors.waiting, doors.hasWaiting(0), doors.hasWaiting(1)]).toEqual([2, false, true]);
    // Only where somebody of another thread waits there is something to tell.
    gates[1]!.leave();
    gates[0]!.leave();
    expect([freed, doors.inside]).toEqual([[0], 1]);
  });

  it("gives back what a thread had that is gone", () => {
    const doors = new SharedDoors(new SharedArrayBuffer(doorsSizeBytes(2)));
    const [one, other] = [0, 1].map((thread) => doors.gate(thread, OPTIONS, () => undefined));
    one!.tryEnter(0);
    one!.tryEnter(0);
    other!.tryEnter(0);
    doors.places(0, 4).tryJoin();
    doors.forget(0);
    expect([doors.inside, doors.waiting, one!.tryEnter(0), one!.tryEnter(0), one!.tryEnter(0)]).toEqual([
      1,
      0,
      true,
      true,
      false,
    ]);
    expect(() => doors.forget(2)).toThrow("no thread 2");
  });
});
