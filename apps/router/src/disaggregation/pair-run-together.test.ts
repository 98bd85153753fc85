import { describe, expect, it } from "vitest";
import { answered, setUpPair } from "./__fixtures__/pair-legs.ts";

describe("a pair whose legs run together", () => {
  const bootstrap = { address: "http://p:8998", engineIds: new Map([[0, "p1"]]) };
  const together = { connector: "mooncake", identity: { engineIds: new Map(), bootstrap } } as const;

  it("looks after the prefill engine from its answer until the decode engine says something", () => {
    const { prefills, decodes, dead, pair, runTimers, released } = setUpPair(together);
    expect(decodes).toHaveLength(1);
    prefills[0]?.answer(answered());
    runTimers();
    expect(decodes).toHaveLength(1);
    pair.decodeHeard();
    dead.add("p1");
    runTimers();
    expect(decodes).toHaveLength(1);
    expect(released).toEqual(["p1 handed", "p1 judged success"]);
  });

  it("starts anew when that engine goes, and lets nobody wait for its blocks", () => {
    const { prefills, decodes, dead, pair, runTimers, released, events } = setUpPair(together);
    prefills[0]?.answer(answered());
    runTimers();
    dead.add("p1");
    runTimers();
    expect(decodes.map(({ call }) => call.isCancelled)).toEqual([true, false]);
    expect(prefills.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
    expect(decodes[1]?.requestId).toBe("id-p2");
    prefills[1]?.answer(answered());
    pair.decodeHeard();
    expect(released).toEqual(["p1 handed", "p2 handed", "p2 judged success", "p1 judged failure"]);
    expect(events).toContainEqual({ kind: "prefill-failed", worker: "p1", code: "not_fetched" });
  });

  it("looks after nobody any more once it is cancelled", () => {
    const { prefills, decodes, dead, pair, runTimers } = setUpPair(together);
    prefills[0]?.answer(answered());
    pair.cancel();
    dead.add("p1");
    runTimers();
    expect(decodes).toHaveLength(1);
  });

  it("counts a prefill as done whose blocks arrived, though the generation is over before its answer", () => {
    const { prefills, pair, released, cancelled, events } = setUpPair(together);
    pair.decodeHeard();
    pair.decodeHeard();
    pair.decodeEnded();
    expect(released).toEqual(["p1 success"]);
    expect(events).toEqual([{ kind: "prefilled", worker: "p1" }]);
    expect(cancelled).toEqual(["p1"]);
    prefills[0]?.answer(answered());
    expect(events).toHaveLength(1);
  });

  it("does not count one whose decode leg ended without a word, or with an error as its first one", () => {
    for (const says of [[], [false]]) {
      const { pair, released, events } = setUpPair(together);
      says.forEach((isWell) => pair.decodeHeard(isWell));
      pair.decodeEnded();
      expect(released).toEqual(["p1 cancelled"]);
      expect(events).toEqual([]);
    }
  });
});
