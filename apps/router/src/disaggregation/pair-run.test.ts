import { describe, expect, it } from "vitest";
import { ANSWER, answered, failed, setUpPair } from "./__fixtures__/pair-legs.ts";
import type { EngineIdentity } from "./connector.ts";

describe("a pair that pulls with NIXL", () => {
  it("hands the prefill answer to the decode leg word for word, under the same request id", () => {
    const { prefills, decodes, released, pair } = setUpPair({});
    expect(JSON.parse(prefills[0]?.plan.prefillParams ?? "")).toEqual({
      do_remote_decode: true,
      do_remote_prefill: false,
      remote_engine_id: null,
      remote_block_ids: null,
      remote_host: null,
      remote_port: null,
    });
    expect(decodes).toEqual([]);
    prefills[0]?.answer(answered());
    expect(decodes).toMatchObject([{ requestId: "id", params: JSON.stringify(ANSWER) }]);
    expect(prefills[0]?.plan.requestId).toBe("id");
    expect(released).toEqual(["p1 handed"]);
    expect(pair.cachedTokens).toBe(7);
  });

  it.each(["unavailable", "overloaded", "internal", "protocol"] as const)(
    "goes to another prefill worker after %s",
    (code) => {
      const { prefills, decodes, released } = setUpPair({});
      prefills[0]?.answer(failed(code));
      expect(prefills.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
      prefills[1]?.answer(answered());
      expect(decodes).toMatchObject([{ requestId: "id-p2", params: JSON.stringify(ANSWER) }]);
      expect(released).toEqual(["p1 failure", "p2 handed"]);
    },
  );

  it.each([
    ["nothing", undefined],
    ["no engine id", { ...ANSWER, remote_engine_id: null }],
    ["no blocks", { ...ANSWER, remote_block_ids: null }],
    ["no port", { ...ANSWER, remote_port: "18590" }],
    ["its own question", { ...ANSWER, do_remote_prefill: false }],
  ])("takes an answer with %s for a failure", (_what, params) => {
    const { prefills, decodes, events } = setUpPair({});
    prefills[0]?.answer(answered(params));
    expect(decodes).toEqual([]);
    expect(prefills).toHaveLength(2);
    expect(events).toEqual([{ kind: "prefill-failed", worker: "p1", code: "protocol" }]);
  });

  it("has the decode worker compute the prompt when no prefill worker does it", () => {
    const { prefills, decodes, events } = setUpPair({ prefill: ["p1"] });
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes).toMatchObject([{ requestId: undefined, params: undefined }]);
    expect(events.at(-1)).toEqual({ kind: "fell-back" });
  });

  it("fails instead where that is the policy, later than inside the call", () => {
    const { prefills, decodes, failures, runTimers } = setUpPair({ prefill: ["p1"], fallsBack: false });
    prefills[0]?.answer(failed("unavailable"));
    expect(failures).toEqual([]);
    runTimers();
    expect(failures).toMatchObject([{ code: "unavailable" }]);
    expect(decodes).toEqual([]);
  });

  it("asks nobody else about a request that is wrong", () => {
    const { prefills, failures, released, runTimers } = setUpPair({});
    prefills[0]?.answer(failed("rejected"));
    runTimers();
    expect(failures).toMatchObject([{ code: "rejected" }]);
    expect([prefills.length, released]).toEqual([1, ["p1 rejected"]]);
  });

  it("hands nothing to a decode engine that was replaced meanwhile", () => {
    const { prefills, decodes, failures, runTimers } = setUpPair({ isDecodeAlive: () => false });
    prefills[0]?.answer(answered());
    runTimers();
    expect(decodes).toEqual([]);
    expect(failures).toMatchObject([{ code: "unavailable" }]);
  });

  it("ends the prefill at once when the client leaves", () => {
    const { pair, prefills, cancelled, released, decodes } = setUpPair({});
    pair.cancel();
    prefills[0]?.answer(answered());
    expect([cancelled, released, decodes]).toEqual([["p1"], ["p1 cancelled"], []]);
  });

  it("lets the decode engine fetch the held blocks when the client leaves before its first output", () => {
    const { pair, prefills, decodes } = setUpPair({});
    prefills[0]?.answer(answered());
    const call = decodes[0]?.call;
    pair.pause();
    pair.cancel();
    expect([call?.isCancelled, call?.isPaused, pair.isOver]).toEqual([false, false, true]);
    pair.decodeHeard();
    expect(call?.isCancelled).toBe(true);
  });

  it("does not wait for ever for that", () => {
    const { pair, prefills, decodes, runTimers } = setUpPair({});
    prefills[0]?.answer(answered());
    pair.cancel();
    runTimers();
    expect(decodes[0]?.call.isCancelled).toBe(true);
  });

  it("pauses a decode leg that starts while the client is slow", () => {
    const { pair, prefills, decodes } = setUpPair({});
    pair.pause();
    prefills[0]?.answer(answered());
    expect(decodes[0]?.call.isPaused).toBe(true);
  });
});

describe("a pair that pushes with NIXL", () => {
  it("is known by the first answer", () => {
    const { prefills, learned } = setUpPair({});
    prefills[0]?.answer(answered({ ...ANSWER, transfer_mode: "push" }));
    expect(learned[0]?.push).toEqual({
      remote_engine_id: "engine-p",
      remote_host: "127.0.0.1",
      remote_port: 18590,
      tp_size: 1,
    });
  });

  const identity: EngineIdentity = {
    engineIds: new Map([[0, "engine-p"]]),
    push: { remote_engine_id: "engine-p", remote_host: "h", remote_port: 1, tp_size: 1 },
  };

  it("starts both legs together afterwards", () => {
    const { decodes } = setUpPair({ identity });
    expect(JSON.parse(decodes[0]?.params ?? "")).toEqual({
      do_remote_prefill: true,
      do_remote_decode: false,
      remote_engine_id: "engine-p",
      remote_host: "h",
      remote_port: 1,
      tp_size: 1,
      remote_request_id: "id",
    });
  });

  it("ends the decode leg that waits for a prefill that failed, and begins both anew", () => {
    const { prefills, decodes } = setUpPair({ identity });
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes.map(({ requestId, call }) => [requestId, call.isCancelled])).toEqual([
      ["id", true],
      ["id-p2", false],
    ]);
  });

  it("lets a decode leg go on that has begun to answer when its prefill fails", () => {
    const { pair, prefills, decodes, released } = setUpPair({ identity });
    pair.decodeHeard();
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes.map(({ call }) => call.isCancelled)).toEqual([false]);
    expect(released).toEqual(["p1 failure"]);
  });

  it("ends both legs at once when it is cancelled before the prefill has answered", () => {
    const { pair, decodes, cancelled } = setUpPair({ identity });
    pair.cancel();
    expect(cancelled).toEqual(["p1"]);
    expect(decodes.map(({ call }) => call.isCancelled)).toEqual([true]);
  });
});

describe("a pair whose blocks cannot be fetched", () => {
  it("computes the prompt on another prefill engine, and blames the first when the decode engine does well", () => {
    const { pair, prefills, decodes, released, events, failures } = setUpPair({});
    prefills[0]?.answer(answered());
    expect(pair.decodeFailed()).toBe(true);
    expect(decodes[0]?.call.isCancelled).toBe(true);
    expect(prefills.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
    prefills[1]?.answer(answered());
    expect(decodes.map(({ requestId }) => requestId)).toEqual(["id", "id-p2"]);
    expect(released).toEqual(["p1 handed", "p2 handed"]);
    pair.decodeHeard();
    pair.decodeHeard();
    expect(released.slice(2)).toEqual(["p2 judged success", "p1 judged failure"]);
    expect(events).toEqual([
      { kind: "prefilled", worker: "p1" },
      { kind: "prefill-failed", worker: "p1", code: "not_fetched" },
      { kind: "prefilled", worker: "p2" },
    ]);
    expect([failures, pair.isOver, pair.isAwaited]).toEqual([[], false, false]);
  });

  it("has the decode engine compute the prompt when no prefill engine is left", () => {
    const { pair, prefills, decodes, events } = setUpPair({ prefill: ["p1"] });
    prefills[0]?.answer(answered());
    expect(pair.decodeFailed()).toBe(true);
    expect(decodes.at(-1)).toMatchObject({ requestId: undefined, params: undefined });
    expect(events.at(-1)).toEqual({ kind: "fell-back" });
  });

  it("fails instead where that is the policy, and spares the decode engine", () => {
    const { pair, prefills, decodes, failures, released, runTimers } = setUpPair({
      prefill: ["p1"],
      fallsBack: false,
    });
    prefills[0]?.answer(answered());
    expect(pair.decodeFailed()).toBe(true);
    runTimers();
    expect(failures).toMatchObject([{ code: "unavailable" }]);
    expect([decodes.length, pair.isDecodeSpared, released.at(-1)]).toEqual([1, true, "p1 judged failure"]);
  });

  it("blames nobody when the decode engine fails without blocks as well", () => {
    const { pair, prefills, released } = setUpPair({ prefill: ["p1"] });
    prefills[0]?.answer(answered());
    pair.decodeFailed();
    expect(pair.decodeFailed()).toBe(false);
    pair.decodeHeard(false);
    expect([released, pair.isDecodeSpared, pair.isAwaited]).toEqual([["p1 handed"], false, false]);
  });

  it("asks three prefill engines at most", () => {
    const { pair, prefills, decodes } = setUpPair({ prefill: ["p1", "p2", "p3", "p4", "p5"] });
    for (let at = 0; at < 3; at += 1) {
      prefills[at]?.answer(answered());
      expect(pair.decodeFailed()).toBe(true);
    }
    expect([prefills.length, decodes.length, decodes.at(-1)?.params]).toEqual([3, 4, undefined]);
  });

  it("takes an error after the first word, or of a client that left, for what it is", () => {
    const heard = setUpPair({});
    heard.prefills[0]?.answer(answered());
    heard.pair.decodeHeard();
    expect(heard.pair.decodeFailed()).toBe(false);
    const left = setUpPair({});
    left.prefills[0]?.answer(answered());
    left.pair.cancel();
    expect(left.pair.decodeFailed()).toBe(false);
    expect(left.prefills).toHaveLength(1);
  });

  it("pauses the further decode leg of a client that is slow", () => {
    const { pair, prefills, decodes } = setUpPair({});
    prefills[0]?.answer(answered());
    pair.pause();
    pair.decodeFailed();
    prefills[1]?.answer(answered());
    expect(decodes[1]?.call.isPaused).toBe(true);
  });

  it("ends the prefill that runs together with the decode leg", () => {
    const identity: EngineIdentity = {
      engineIds: new Map([[0, "engine-p"]]),
      push: { remote_engine_id: "engine-p", remote_host: "h", remote_port: 1, tp_size: 1 },
    };
    const { pair, prefills, cancelled, released } = setUpPair({ identity });
    expect(pair.decodeFailed()).toBe(true);
    expect([cancelled, released]).toEqual([["p1"], ["p1 cancelled"]]);
    expect(prefills.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
  });
});

describe("a pair whose prefill engine refuses the request", () => {
  it.each([true, false])("has the decode engine answer, fall-back or not (%s)", (fallsBack) => {
    const { prefills, decodes, released, events } = setUpPair({ fallsBack });
    prefills[0]?.answer({ kind: "refused" });
    expect(decodes).toMatchObject([{ requestId: undefined, params: undefined }]);
    expect([prefills.length, released]).toEqual([1, ["p1 rejected"]]);
    expect(events).toEqual([
      { kind: "prefill-failed", worker: "p1", code: "rejected" },
      { kind: "fell-back" },
    ]);
  });
});

describe("a pair over a shared store", () => {
  it("runs the legs one after the other, without parameters", () => {
    const { pair, prefills, decodes, released } = setUpPair({ connector: "none" });
    expect(prefills[0]?.plan.prefillParams).toBeUndefined();
    prefills[0]?.answer(answered(undefined));
    expect(released).toEqual(["p1 success"]);
    expect(pair.decodeFailed()).toBe(false);
    expect(decodes).toMatchObject([{ requestId: "id", params: undefined }]);
  });
});
