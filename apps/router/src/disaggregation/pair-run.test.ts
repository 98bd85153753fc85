import { EngineError, type GenerateCall } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { CONNECTORS } from "./connectors.ts";
import type { EngineIdentity, LegPlan } from "./connector.ts";
import { type LegOutcome, type PairEvent, PairRun, type PrefillAnswer, type PrefillLeg } from "./pair-run.ts";

/** What vLLM's NIXL connector answers after a prefill, recorded from 0.32 but for the names. */
const ANSWER = {
  do_remote_prefill: true,
  do_remote_decode: false,
  remote_block_ids: [[1, 2, 3, 4]],
  remote_engine_id: "engine-p",
  remote_request_id: "cmpl-1-0-abcdef01",
  remote_host: "127.0.0.1",
  remote_port: 18590,
  tp_size: 1,
  remote_num_tokens: 401,
  transfer_mode: "pull",
};

class FakeCall implements GenerateCall {
  isCancelled = false;
  isPaused = false;
  cancel(): void {
    this.isCancelled = true;
  }
  pause(): void {
    this.isPaused = true;
  }
  resume(): void {
    this.isPaused = false;
  }
}

function setUp(options: {
  readonly prefill?: readonly string[];
  readonly fallsBack?: boolean;
  readonly identity?: EngineIdentity;
  readonly isDecodeAlive?: () => boolean;
  readonly connector?: keyof typeof CONNECTORS;
}) {
  const names = [...(options.prefill ?? ["p1", "p2"])];
  const prefills: { worker: string; plan: LegPlan; answer: (answer: PrefillAnswer) => void }[] = [];
  const decodes: { requestId: string | undefined; params: string | undefined; call: FakeCall }[] = [];
  const released: string[] = [];
  const cancelled: string[] = [];
  const failures: EngineError[] = [];
  const events: PairEvent[] = [];
  const learned: EngineIdentity[] = [];
  const timers: (() => void)[] = [];
  const legOf = (name: string): PrefillLeg<string> => {
    let isReleased = false;
    return {
      worker: { id: name, rank: undefined, ranks: 1, identity: options.identity },
      engine: name,
      learn: (identity) => void learned.push(identity),
      judge: (outcome) => void released.push(`${name} judged ${outcome}`),
      release: (outcome: LegOutcome) => {
        if (!isReleased) {
          isReleased = true;
          released.push(`${name} ${outcome}`);
        }
      },
    };
  };
  const next = (): PrefillLeg<string> | undefined => {
    const name = names.shift();
    return name === undefined ? undefined : legOf(name);
  };
  const pair: PairRun<string> = new PairRun<string>({
    connector: CONNECTORS[options.connector ?? "nixl"],
    requestId: "id",
    decode: { id: "d", rank: undefined, ranks: 1, identity: undefined },
    isDecodeAlive: options.isDecodeAlive ?? (() => true),
    nextPrefill: next,
    fallsBack: options.fallsBack ?? true,
    uniqueId: () => "unique",
    after: (_delayMs, action) => {
      timers.push(action);
      return () => void timers.splice(timers.indexOf(action), 1);
    },
    told: (event) => void events.push(event),
    lane: {
      prefill: (leg, plan, answer) => {
        prefills.push({ worker: leg.worker.id, plan, answer });
        return () => void cancelled.push(leg.worker.id);
      },
      decode: (requestId, params) => {
        const call = new FakeCall();
        decodes.push({ requestId, params, call });
        return call;
      },
      fail: (error) => void failures.push(error),
    },
  });
  pair.start(next()!);
  const runTimers = (): void => timers.splice(0).forEach((action) => action());
  return { pair, prefills, decodes, released, cancelled, failures, events, learned, runTimers };
}

const answered = (...given: readonly unknown[]): PrefillAnswer => {
  const params = given.length === 0 ? ANSWER : given[0];
  return {
    kind: "answered",
    params: params === undefined ? undefined : JSON.stringify(params),
    cachedTokens: 7,
  };
};
const failed = (code: EngineError["code"]): PrefillAnswer => ({
  kind: "failed",
  error: new EngineError(code, "no"),
});

describe("a pair that pulls with NIXL", () => {
  it("hands the prefill answer to the decode leg word for word, under the same request id", () => {
    const { prefills, decodes, released, pair } = setUp({});
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
      const { prefills, decodes, released } = setUp({});
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
    const { prefills, decodes, events } = setUp({});
    prefills[0]?.answer(answered(params));
    expect(decodes).toEqual([]);
    expect(prefills).toHaveLength(2);
    expect(events).toEqual([{ kind: "prefill-failed", worker: "p1", code: "protocol" }]);
  });

  it("has the decode worker compute the prompt when no prefill worker does it", () => {
    const { prefills, decodes, events } = setUp({ prefill: ["p1"] });
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes).toMatchObject([{ requestId: undefined, params: undefined }]);
    expect(events.at(-1)).toEqual({ kind: "fell-back" });
  });

  it("fails instead where that is the policy, later than inside the call", () => {
    const { prefills, decodes, failures, runTimers } = setUp({ prefill: ["p1"], fallsBack: false });
    prefills[0]?.answer(failed("unavailable"));
    expect(failures).toEqual([]);
    runTimers();
    expect(failures).toMatchObject([{ code: "unavailable" }]);
    expect(decodes).toEqual([]);
  });

  it("asks nobody else about a request that is wrong", () => {
    const { prefills, failures, released, runTimers } = setUp({});
    prefills[0]?.answer(failed("rejected"));
    runTimers();
    expect(failures).toMatchObject([{ code: "rejected" }]);
    expect([prefills.length, released]).toEqual([1, ["p1 rejected"]]);
  });

  it("hands nothing to a decode engine that was replaced meanwhile", () => {
    const { prefills, decodes, failures, runTimers } = setUp({ isDecodeAlive: () => false });
    prefills[0]?.answer(answered());
    runTimers();
    expect(decodes).toEqual([]);
    expect(failures).toMatchObject([{ code: "unavailable" }]);
  });

  it("ends the prefill at once when the client leaves", () => {
    const { pair, prefills, cancelled, released, decodes } = setUp({});
    pair.cancel();
    prefills[0]?.answer(answered());
    expect([cancelled, released, decodes]).toEqual([["p1"], ["p1 cancelled"], []]);
  });

  it("lets the decode engine fetch the held blocks when the client leaves before its first output", () => {
    const { pair, prefills, decodes } = setUp({});
    prefills[0]?.answer(answered());
    const call = decodes[0]?.call;
    pair.pause();
    pair.cancel();
    expect([call?.isCancelled, call?.isPaused, pair.isOver]).toEqual([false, false, true]);
    pair.decodeHeard();
    expect(call?.isCancelled).toBe(true);
  });

  it("does not wait for ever for that", () => {
    const { pair, prefills, decodes, runTimers } = setUp({});
    prefills[0]?.answer(answered());
    pair.cancel();
    runTimers();
    expect(decodes[0]?.call.isCancelled).toBe(true);
  });

  it("pauses a decode leg that starts while the client is slow", () => {
    const { pair, prefills, decodes } = setUp({});
    pair.pause();
    prefills[0]?.answer(answered());
    expect(decodes[0]?.call.isPaused).toBe(true);
  });
});

describe("a pair that pushes with NIXL", () => {
  it("is known by the first answer", () => {
    const { prefills, learned } = setUp({});
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
    const { decodes } = setUp({ identity });
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
    const { prefills, decodes } = setUp({ identity });
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes.map(({ requestId, call }) => [requestId, call.isCancelled])).toEqual([
      ["id", true],
      ["id-p2", false],
    ]);
  });

  it("lets a decode leg go on that has begun to answer when its prefill fails", () => {
    const { pair, prefills, decodes, released } = setUp({ identity });
    pair.decodeHeard();
    prefills[0]?.answer(failed("unavailable"));
    expect(decodes.map(({ call }) => call.isCancelled)).toEqual([false]);
    expect(released).toEqual(["p1 failure"]);
  });

  it("ends both legs at once when it is cancelled before the prefill has answered", () => {
    const { pair, decodes, cancelled } = setUp({ identity });
    pair.cancel();
    expect(cancelled).toEqual(["p1"]);
    expect(decodes.map(({ call }) => call.isCancelled)).toEqual([true]);
  });
});

describe("a pair whose blocks cannot be fetched", () => {
  it("computes the prompt on another prefill engine, and blames the first when the decode engine does well", () => {
    const { pair, prefills, decodes, released, events, failures } = setUp({});
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
    const { pair, prefills, decodes, events } = setUp({ prefill: ["p1"] });
    prefills[0]?.answer(answered());
    expect(pair.decodeFailed()).toBe(true);
    expect(decodes.at(-1)).toMatchObject({ requestId: undefined, params: undefined });
    expect(events.at(-1)).toEqual({ kind: "fell-back" });
  });

  it("fails instead where that is the policy, and spares the decode engine", () => {
    const { pair, prefills, decodes, failures, released, runTimers } = setUp({
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
    const { pair, prefills, released } = setUp({ prefill: ["p1"] });
    prefills[0]?.answer(answered());
    pair.decodeFailed();
    expect(pair.decodeFailed()).toBe(false);
    pair.decodeHeard(false);
    expect([released, pair.isDecodeSpared, pair.isAwaited]).toEqual([["p1 handed"], false, false]);
  });

  it("asks three prefill engines at most", () => {
    const { pair, prefills, decodes } = setUp({ prefill: ["p1", "p2", "p3", "p4", "p5"] });
    for (let at = 0; at < 3; at += 1) {
      prefills[at]?.answer(answered());
      expect(pair.decodeFailed()).toBe(true);
    }
    expect([prefills.length, decodes.length, decodes.at(-1)?.params]).toEqual([3, 4, undefined]);
  });

  it("takes an error after the first word, or of a client that left, for what it is", () => {
    const heard = setUp({});
    heard.prefills[0]?.answer(answered());
    heard.pair.decodeHeard();
    expect(heard.pair.decodeFailed()).toBe(false);
    const left = setUp({});
    left.prefills[0]?.answer(answered());
    left.pair.cancel();
    expect(left.pair.decodeFailed()).toBe(false);
    expect(left.prefills).toHaveLength(1);
  });

  it("pauses the further decode leg of a client that is slow", () => {
    const { pair, prefills, decodes } = setUp({});
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
    const { pair, prefills, cancelled, released } = setUp({ identity });
    expect(pair.decodeFailed()).toBe(true);
    expect([cancelled, released]).toEqual([["p1"], ["p1 cancelled"]]);
    expect(prefills.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
  });
});

describe("a pair whose prefill engine refuses the request", () => {
  it.each([true, false])("has the decode engine answer, fall-back or not (%s)", (fallsBack) => {
    const { prefills, decodes, released, events } = setUp({ fallsBack });
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
    const { pair, prefills, decodes, released } = setUp({ connector: "none" });
    expect(prefills[0]?.plan.prefillParams).toBeUndefined();
    prefills[0]?.answer(answered(undefined));
    expect(released).toEqual(["p1 success"]);
    expect(pair.decodeFailed()).toBe(false);
    expect(decodes).toMatchObject([{ requestId: "id", params: undefined }]);
  });
});
