import {
  EngineError,
  type ProxyEngine,
  type ProxyHead,
  type ProxyRequest,
  type ProxySink,
} from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { CONNECTORS } from "./connectors.ts";
import type { PrefillLeg } from "./pair-lane.ts";
import type { PairEvent } from "./pair-run.ts";
import { ProxyPair } from "./proxy-pair.ts";

const CHAT = "/v1/chat/completions";
const ANSWER = JSON.stringify({
  kv_transfer_params: {
    do_remote_prefill: true,
    do_remote_decode: false,
    remote_block_ids: [[1]],
    remote_engine_id: "engine-p",
    remote_request_id: "r",
    remote_host: "127.0.0.1",
    remote_port: 1,
  },
});
const HEAD: ProxyHead = { status: 200, headers: ["content-type", "text/event-stream"] };
const ROLE = 'data: {"id":"1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n';
const WORD = 'data: {"id":"1","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n';
const ERROR =
  'data: {"error":{"message":"Internal server error","type":"InternalServerError","param":null,"code":500}}\n\n';

interface Leg {
  readonly worker: string;
  readonly request: ProxyRequest;
  readonly sink: ProxySink;
  isCancelled: boolean;
}

function setUp(options: { readonly prefill?: readonly string[]; readonly fallsBack?: boolean } = {}) {
  const legs: Leg[] = [];
  const engineOf = (worker: string): ProxyEngine =>
    ({
      capabilities: {},
      forward: (request: ProxyRequest, sink: ProxySink) => {
        const leg: Leg = { worker, request, sink, isCancelled: false };
        legs.push(leg);
        return {
          cancel: () => void (leg.isCancelled = true),
          pause: () => undefined,
          resume: () => undefined,
        };
      },
    }) as unknown as ProxyEngine;
  const released: string[] = [];
  const legOf = (name: string): PrefillLeg<ProxyEngine> => ({
    worker: { id: name, rank: undefined, ranks: 1, identity: undefined },
    engine: engineOf(name),
    learn: () => undefined,
    isAlive: () => true,
    judge: (outcome) => void released.push(`${name} judged ${outcome}`),
    release: (outcome) => void released.push(`${name} ${outcome}`),
  });
  const names = [...(options.prefill ?? ["p1", "p2"])];
  const next = (): PrefillLeg<ProxyEngine> | undefined => {
    const name = names.shift();
    return name === undefined ? undefined : legOf(name);
  };
  const timers: (() => void)[] = [];
  const events: PairEvent[] = [];
  const pair = new ProxyPair({
    first: next()!,
    engine: engineOf("d"),
    connector: CONNECTORS.nixl,
    decode: { id: "d", rank: undefined, ranks: 1, identity: undefined },
    isDecodeAlive: () => true,
    nextPrefill: next,
    fallsBack: options.fallsBack ?? true,
    uniqueId: () => "unique",
    after: (_delayMs, action) => {
      timers.push(action);
      return () => void timers.splice(timers.indexOf(action), 1);
    },
    told: (event) => void events.push(event),
    now: () => 0,
    prefillTimeoutMs: 1000,
  });
  const told: string[] = [];
  pair.forward(
    {
      method: "POST",
      path: CHAT,
      headers: [],
      body: new TextEncoder().encode('{"model":"m","messages":[],"stream":true}'),
      deadlineAtMs: undefined,
    } as ProxyRequest,
    {
      head: ({ status }) => void told.push(`head ${status}`),
      data: (bytes) => void told.push(new TextDecoder().decode(bytes)),
      flush: () => void told.push("flush"),
      end: () => void told.push("end"),
      error: ({ code }) => void told.push(`error ${code}`),
    },
  );
  return { pair, legs, released, events, told, runTimers: () => timers.splice(0).forEach((run) => run()) };
}

function say(leg: Leg | undefined, status: number, ...texts: readonly string[]): void {
  leg?.sink.head({ ...HEAD, status });
  for (const text of texts) {
    leg?.sink.data(new TextEncoder().encode(text));
    leg?.sink.flush();
  }
}

function answer(leg: Leg | undefined, status: number, ...texts: readonly string[]): void {
  say(leg, status, ...texts);
  leg?.sink.end();
}

describe("a pair of HTTP workers whose decode engine lacks the blocks", () => {
  it.each([
    ["answers 500", 500, [ERROR]],
    ["ends its stream before the first word", 200, [ERROR]],
    ["ends its stream after the role", 200, [ROLE, ERROR]],
    [
      "ends its stream in pieces",
      200,
      [ROLE.slice(0, 30), ROLE.slice(30) + ERROR.slice(0, 12), ERROR.slice(12)],
    ],
  ] as const)("begins anew when it %s", (_what, status, texts) => {
    const { legs, told, released, pair } = setUp();
    answer(legs[0], 200, ANSWER);
    answer(legs[1], status, ...texts);
    expect([told, legs[1]?.isCancelled]).toEqual([[], true]);
    answer(legs[2], 200, ANSWER);
    answer(legs[3], 200, ROLE, WORD, "data: [DONE]\n\n");
    expect(legs.map(({ worker }) => worker)).toEqual(["p1", "d", "p2", "d"]);
    expect(told).toEqual(["head 200", ROLE, WORD, "flush", "data: [DONE]\n\n", "flush", "end"]);
    expect(released).toEqual(["p1 handed", "p2 handed", "p2 judged success", "p1 judged failure"]);
    expect(pair.isDecodeSpared).toBe(false);
  });

  it("has it compute the prompt when no prefill engine is left, and tells its own error as it is", () => {
    const { legs, told, released } = setUp({ prefill: ["p1"] });
    answer(legs[0], 200, ANSWER);
    answer(legs[1], 500, ERROR);
    answer(legs[2], 200, ROLE, ERROR);
    expect(told).toEqual(["head 200", ROLE, ERROR, "flush", "end"]);
    expect(released).toEqual(["p1 handed"]);
  });

  it("fails instead where that is the policy, and spares it", () => {
    const { legs, told, pair, runTimers } = setUp({ prefill: ["p1"], fallsBack: false });
    answer(legs[0], 200, ANSWER);
    answer(legs[1], 500, ERROR);
    runTimers();
    expect([told, pair.isDecodeSpared]).toEqual([["error unavailable"], true]);
  });

  it.each([400, 503])("tells the client a status %i as it is", (status) => {
    const { legs, told } = setUp();
    answer(legs[0], 200, ANSWER);
    answer(legs[1], status, "{}");
    expect([told, legs.length]).toEqual([[`head ${status}`, "{}", "flush", "end"], 2]);
  });

  it("tells an error that comes after a word", () => {
    const { legs, told } = setUp();
    answer(legs[0], 200, ANSWER);
    answer(legs[1], 200, ROLE + WORD, ERROR);
    expect([told, legs.length]).toEqual([["head 200", ROLE + WORD, "flush", ERROR, "flush", "end"], 2]);
  });

  it("tells an answer that is no stream, or empty", () => {
    const whole = setUp();
    answer(whole.legs[0], 200, ANSWER);
    answer(whole.legs[1], 200, "{}");
    expect(whole.told).toEqual(["head 200", "{}", "flush", "end"]);
    const empty = setUp();
    answer(empty.legs[0], 200, ANSWER);
    answer(empty.legs[1], 200);
    expect(empty.told).toEqual(["head 200", "end"]);
  });

  it("leaves a lost connection before the first word to be tried again", () => {
    const { legs, told } = setUp();
    answer(legs[0], 200, ANSWER);
    say(legs[1], 200, ROLE);
    legs[1]?.sink.error(new EngineError("unavailable", "gone"));
    expect(told).toEqual(["error unavailable"]);
  });
});

describe("an HTTP prefill engine's answer", () => {
  it.each([400, 401, 404, 413, 422])("of %i has the decode engine answer, and blames nobody", (status) => {
    const { legs, told, released, events } = setUp({ fallsBack: false });
    answer(legs[0], status, "{}");
    expect(legs.map(({ worker }) => worker)).toEqual(["p1", "d"]);
    answer(legs[1], status, "as vLLM says it");
    expect(told).toEqual([`head ${status}`, "as vLLM says it", "flush", "end"]);
    expect(released).toEqual(["p1 rejected"]);
    expect(events.map(({ kind }) => kind)).toEqual(["prefill-failed", "fell-back"]);
  });

  it.each([408, 429, 500, 503])("of %i has another one asked", (status) => {
    const { legs, released } = setUp();
    answer(legs[0], status, "{}");
    expect(legs.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
    expect(released).toEqual(["p1 failure"]);
  });

  it("that does not come in the leg's own time has another one asked", () => {
    const { legs } = setUp();
    expect(legs[0]?.request.deadlineAtMs).toBe(1000);
    legs[0]?.sink.error(new EngineError("deadline_exceeded", "late"));
    expect(legs.map(({ worker }) => worker)).toEqual(["p1", "p2"]);
  });
});
