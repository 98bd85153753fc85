import { describe, expect, it } from "vitest";
import { sendConsole } from "./policy-console.ts";

function setUp() {
  const said: string[] = [];
  const clock = { nowMs: 0 };
  const nothing = (): void => undefined;
  const target = {
    debug: nothing,
    error: nothing,
    info: nothing,
    log: nothing,
    trace: nothing,
    warn: nothing,
  } as Pick<Console, "debug" | "error" | "info" | "log" | "trace" | "warn">;
  sendConsole(target, { postMessage: ({ text }) => said.push(text) }, () => clock.nowMs);
  return { said, clock, target };
}

describe("sendConsole()", () => {
  it("sends lines as the console would print them", () => {
    const { said, target } = setUp();
    target.log("chose %d of", 3, { candidates: [1] });
    target.error(new RangeError("oh").message);
    expect(said).toEqual(["chose 3 of { candidates: [ 1 ] }", "oh"]);
  });

  it("leaves out what comes too fast or is too long, and says how much", () => {
    const { said, clock, target } = setUp();
    for (let line = 0; line < 70; line += 1) {
      target.info("x".repeat(3_000));
    }
    expect([said.length, said[0]?.length]).toEqual([50, 2_000]);
    clock.nowMs = 1_000;
    target.info("next");
    target.info("and next");
    expect(said.slice(50)).toEqual(["next (20 lines before were left out)", "and next"]);
  });
});
