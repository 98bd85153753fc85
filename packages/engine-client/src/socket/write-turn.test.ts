import { describe, expect, it } from "vitest";
import { writeAtEndOfTurn } from "./write-turn.ts";

/** After everything that is to be done at the end of this turn. */
async function endOfTurn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("writeAtEndOfTurn()", () => {
  it("writes nothing now, and everything in order when the turn ends", async () => {
    const written: string[] = [];
    for (const name of ["a", "b", "c"]) writeAtEndOfTurn({ writeNow: () => written.push(name) });
    await Promise.resolve();
    expect(written).toEqual([]);
    await endOfTurn();
    expect(written).toEqual(["a", "b", "c"]);
    await endOfTurn();
    expect(written).toEqual(["a", "b", "c"]);
  });

  it("does not wait when many have something to write, and writes the rest when the turn ends", async () => {
    const written: number[] = [];
    const numbers = Array.from({ length: 40 }, (_, at) => at);
    for (const at of numbers) writeAtEndOfTurn({ writeNow: () => written.push(at) });
    expect(written).toEqual(numbers.slice(0, 32));
    await endOfTurn();
    expect(written).toEqual(numbers);
    writeAtEndOfTurn({ writeNow: () => written.push(40) });
    await endOfTurn();
    expect(written.at(-1)).toBe(40);
  });

  it("leaves what comes while it writes to the next turn", async () => {
    const written: string[] = [];
    writeAtEndOfTurn({
      writeNow: () => {
        written.push("first");
        writeAtEndOfTurn({ writeNow: () => written.push("second") });
      },
    });
    await endOfTurn();
    expect(written).toEqual(["first"]);
    await endOfTurn();
    expect(written).toEqual(["first", "second"]);
  });
});
