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
