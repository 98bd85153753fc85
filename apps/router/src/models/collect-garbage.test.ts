import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { collectGarbage } from "./collect-garbage.ts";

describe("collectGarbage()", () => {
  it("lets go what nobody holds, again and again", async () => {
    for (let round = 0; round < 2; round++) {
      const lost = new WeakRef({ round });
      const kept = { round };
      const keptToo = new WeakRef(kept);
      // A WeakRef holds its target to the end of the turn in which it was made.
      await setImmediate();
      collectGarbage();
      expect(lost.deref()).toBeUndefined();
      expect(keptToo.deref()).toBe(kept);
    }
  });

  it("leaves no `gc` behind", () => {
    collectGarbage();
    expect("gc" in globalThis).toBe(false);
  });
});
