import { beforeAll, describe, expect, it } from "vitest";
import { EngineError, VLLM_INFERENCE_CAPABILITIES } from "@vllm-router/engine-client";
import { builtinRuntime, FakePlacer } from "../../test/fake-pipeline.ts";
import {
  bodyOf,
  chatPlan,
  completionPlan,
  errorOf,
  expectNothingLeft,
  startRun,
  unavailable,
} from "../../test/fake-run.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RequestPlan } from "./plan.ts";

let model: ModelRuntime;
/** Tokens of plain words, none of which ends anything. */
let words: readonly number[];

beforeAll(async () => {
  model = await builtinRuntime();
  words = [...model.tokenizer.encode("The quick brown fox jumps over the lazy dog.", false)];
});

const completion = (body?: Readonly<Record<string, unknown>>): RequestPlan => completionPlan(model, body);
const chat = (body?: Readonly<Record<string, unknown>>): RequestPlan => chatPlan(model, body);

describe("an engine that fails", () => {
  it("is asked again when another one was to blame", () => {
    const { placer, delays } = startRun(completion());
    placer.isSpared = true;
    placer.last.error(unavailable());
    delays.fire();
    expect(placer.calls.map(({ worker }) => worker)).toEqual(["a", "a"]);
  });

  it("is replaced before its first output, under another request id", () => {
    const started = startRun(completion());
    const { placer, delays } = started;
    const [first] = placer.calls;
    first?.error(unavailable());
    expect(delays.waiting.map(({ delayMs }) => delayMs)).toEqual([10]);
    delays.fire();
    expect(placer.last.worker).toBe("b");
    expect(placer.last.request.requestId).not.toBe(first?.request.requestId);
    placer.last.output(words.slice(0, 8)).finish("length").flush().end();
    expect(started.ends).toEqual([{ kind: "done" }]);
    expect(placer.released).toEqual(["a failure", "b success"]);
    expect([started.run.generations[0]?.attempts, started.run.generations[0]?.workersUsed]).toEqual([
      2,
      ["a", "b"],
    ]);
  });

  it("is asked again when there is nobody else, until retries are used up", () => {
    const started = startRun(completion(), { retries: 3 });
    const { placer, delays } = started;
    for (let at = 0; at < 3; at += 1) {
      placer.last.error(unavailable());
      delays.fire();
    }
    expect(placer.calls.map((call) => call.worker)).toEqual(["a", "b", "a", "b"]);
    placer.last.error(unavailable());
    expect(started.exchange.status).toBe(503);
    expect(started.ends).toMatchObject([{ kind: "failed" }]);
    expectNothingLeft(started);
  });

  it("is waited for within the retries when it is the only one and down for a moment", () => {
    const placer = new FakePlacer("a");
    const started = startRun(completion(), { placer });
    const worker = placer.workers.get("a");
    placer.last.error(unavailable());
    if (worker !== undefined) {
      worker.isUp = false;
      started.delays.fire();
      worker.isUp = true;
    }
    started.delays.fire();
    placer.last.output(words.slice(0, 8)).finish("length").flush().end();
    expect(started.ends).toEqual([{ kind: "done" }]);
  });

  it("is not replaced for what it says of the request", () => {
    const started = startRun(completion());
    started.placer.last.error(new EngineError("rejected", "bad (parameter=seed, value=1)"));
    expect(started.exchange.status).toBe(400);
    expect(errorOf(started)).toMatchObject({ param: "seed" });
    expect(started.placer.released).toEqual(["a rejected"]);
    expectNothingLeft(started);
  });

  it("ends a stream that has begun with an error event", () => {
    const started = startRun(chat({ stream: true }));
    started.placer.last.output(words.slice(0, 1)).flush().error(unavailable());
    expect(started.exchange.text).toContain('"code": 503');
    expect(started.exchange.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expectNothingLeft(started);
  });

  it("after the last token but before it could say so is not missed", () => {
    const started = startRun(chat({ stream: true, max_tokens: 2 }));
    started.placer.last.output(words.slice(0, 1)).output(words.slice(1, 2)).flush().error(unavailable());
    expect(started.exchange.text).toContain('"finish_reason":"length"');
    expect(started.exchange.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(started.exchange.text).not.toContain('"error"');
    expect(started.ends).toEqual([{ kind: "done" }]);
    expectNothingLeft(started);
  });

  it("that forgets a sequence or answers for one too many is told so", () => {
    const short = startRun(completion({ n: 2, temperature: 1 }), { retries: 0 });
    short.placer.last.output(words.slice(0, 8)).finish("length").end();
    expect(short.exchange.status).toBe(502);
    expectNothingLeft(short);
    const long = startRun(completion(), { retries: 0 });
    long.placer.last.output(words.slice(0, 1), { index: 1 });
    expect(long.exchange.status).toBe(502);
    expectNothingLeft(long);
  });

  it("that ends a sequence with an error makes the request an error", () => {
    const started = startRun(completion(), { retries: 0 });
    started.placer.last.output(words.slice(0, 1)).finish("error");
    expect(started.exchange.status).toBe(500);
    expectNothingLeft(started);
  });
});

describe("several sequences", () => {
  it("run together, and only the unfinished ones again, each with its own seed", () => {
    const started = startRun(completion({ n: 3, temperature: 1, seed: 40 }));
    const { placer, delays } = started;
    const [together] = placer.calls;
    expect(together?.request.sampling).toMatchObject({ n: 3, seed: 40 });
    together?.output(words.slice(0, 8), { index: 1 }).finish("length", 1).flush().error(unavailable());
    delays.fire();
    const again = placer.calls.slice(1);
    expect(again.map(({ request, worker }) => [worker, request.sampling.n, request.sampling.seed])).toEqual([
      ["b", 1, 40],
      ["b", 1, 42],
    ]);
    expect(new Set(placer.calls.map(({ request }) => request.requestId)).size).toBe(3);
    for (const call of again) {
      call.output(words.slice(0, 4)).output(words.slice(4, 8)).finish("length").flush().end();
    }
    const { choices, usage } = bodyOf(started);
    expect(choices.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(choices.every(({ text }) => text === choices[0]?.text)).toBe(true);
    expect(usage["completion_tokens"]).toBe(24);
    expectNothingLeft(started);
  });

  it("run one a call on engines that refuse n, and all survive the death of one engine", () => {
    const placer = new FakePlacer("a", "b");
    for (const name of ["a", "b"]) {
      placer.workers.set(name, { isUp: true, capabilities: VLLM_INFERENCE_CAPABILITIES });
    }
    const started = startRun(completion({ n: 5, temperature: 1, seed: 1 }), { placer, retries: 1 });
    expect(placer.calls.map(({ request }) => [request.sampling.n, request.sampling.seed])).toEqual([
      [1, 1],
      [1, 2],
      [1, 3],
      [1, 4],
      [1, 5],
    ]);
    expect(placer.requests.slice(1).every(({ sequences }) => sequences === 1)).toBe(true);
    for (const call of placer.calls.slice(0, 5)) {
      call.error(unavailable());
    }
    started.delays.fire();
    for (const call of placer.calls.slice(5)) {
      call.output(words.slice(0, 8)).finish("length").flush().end();
    }
    expect(bodyOf(started).choices).toHaveLength(5);
    expect(new Set(placer.calls.map(({ request }) => request.requestId)).size).toBe(10);
    expectNothingLeft(started);
  });

  it("are all given up when one cannot be placed", () => {
    const placer = new FakePlacer("a");
    placer.workers.set("a", { isUp: true, capabilities: VLLM_INFERENCE_CAPABILITIES });
    const place = placer.place.bind(placer);
    placer.place = (request) => {
      const worker = placer.workers.get("a");
      if (worker !== undefined) {
        worker.isUp = placer.requests.length < 3;
      }
      return place(request);
    };
    const started = startRun(completion({ n: 4, temperature: 1 }), { placer });
    expect(started.exchange.status).toBe(503);
    expect(placer.calls.every((call) => call.isCancelled)).toBe(true);
    expectNothingLeft(started);
  });

  it("are over when the last has met its end, although the engine goes on with one of them", () => {
    const [stop] = "quick";
    const started = startRun(completion({ n: 2, temperature: 1, max_tokens: 4, stop }));
    const { placer } = started;
    const untilStop = words.findIndex((id) =>
      model.tokenizer.decode([id], { skipSpecialTokens: false }).includes("q"),
    );
    placer.last
      .output(words.slice(0, untilStop + 1), { index: 0 })
      .output(words.slice(untilStop + 1, untilStop + 2), { index: 0 })
      .output(words.slice(0, 1), { index: 1 })
      .finish("stop", 1);
    expect(started.ends).toEqual([{ kind: "done" }]);
    expect(placer.last.isCancelled).toBe(true);
    expect(placer.released).toEqual(["a success"]);
    expect(bodyOf(started).choices).toMatchObject([{ finish_reason: "stop", stop_reason: stop }, {}]);
  });
});
