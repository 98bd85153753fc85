import { beforeAll, describe, expect, it } from "vitest";
import { VLLM_INFERENCE_CAPABILITIES } from "@vllm-router/engine-client";
import { builtinRuntime, FakeExchange, FakePlacer } from "../../test/fake-pipeline.ts";
import {
  bodyOf,
  chatPlan,
  completionPlan,
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

describe("RequestRun", () => {
  it("answers, counts, and gives its place back once", () => {
    const started = startRun(completion());
    const { placer, exchange, ends, run } = started;
    placer.last.output(words.slice(0, 8), { cachedTokens: 1 }).finish("length").flush().end();
    expect(exchange.status).toBe(200);
    expect(bodyOf(started)).toMatchObject({
      choices: [{ index: 0, finish_reason: "length" }],
      usage: { prompt_tokens: 2, completion_tokens: 8, prompt_tokens_details: { cached_tokens: 1 } },
    });
    expect(ends).toEqual([{ kind: "done" }]);
    expect(placer.released).toEqual(["a success"]);
    expect([run.completionTokens, run.cachedTokens, placer.outputTokens]).toEqual([8, 1, 8]);
    expect(placer.last.isCancelled).toBe(false);
    expectNothingLeft(started);
  });

  it("says nothing of cached tokens where the engine does not", () => {
    const placer = new FakePlacer("a");
    placer.workers.set("a", { isUp: true, capabilities: VLLM_INFERENCE_CAPABILITIES });
    const started = startRun(completion(), { placer });
    placer.last.output(words.slice(0, 8)).finish("length").flush().end();
    expect(started.run.cachedTokens).toBeUndefined();
    expect(bodyOf(started).usage["prompt_tokens_details"]).toBeNull();
  });

  it("writes once a flush, and measures the gaps between writes", () => {
    const { placer, exchange, gaps, clock } = startRun(chat({ stream: true }));
    const call = placer.last;
    call.output(words.slice(0, 1)).output(words.slice(1, 2));
    expect(exchange.committed).toBe(false);
    call.flush();
    expect(exchange.written).toHaveLength(1);
    clock.nowMs = 130;
    call.output(words.slice(2, 3)).flush();
    expect(gaps).toEqual([30]);
    expect(exchange.written).toHaveLength(2);
  });

  it("writes the last outputs together with the end, but not while another prompt goes on", () => {
    const alone = startRun(completion({ stream: true }));
    alone.placer.last.output(words.slice(0, 8)).finish("length").flush(true);
    expect(alone.exchange.committed).toBe(false);
    alone.placer.last.end();
    expect(alone.exchange.written).toHaveLength(1);
    expect(alone.exchange.text).toContain("[DONE]");
    const { placer, exchange } = startRun(completion({ prompt: ["x", "y"], stream: true }));
    placer.calls[0]?.output(words.slice(0, 8)).finish("length").flush(true);
    expect(exchange.written).toHaveLength(1);
    const failing = startRun(completion({ stream: true }));
    failing.placer.last.output(words.slice(0, 1)).flush(true).end();
    expect(failing.exchange.text).toContain('"error"');
    expect(failing.exchange.text.indexOf('"text"')).toBeLessThan(failing.exchange.text.indexOf('"error"'));
  });

  it("stops every engine of the request while the client does not read, also one that begins then", () => {
    const started = startRun(completion({ prompt: ["x", "y"], stream: true }));
    const { placer, exchange, delays } = started;
    const [first, second] = placer.calls;
    exchange.isFull = true;
    first?.output(words.slice(0, 1)).flush();
    expect(placer.calls.map((call) => call.isPaused)).toEqual([true, true]);
    second?.error(unavailable());
    delays.fire();
    expect(placer.last.worker).toBe("b");
    expect(placer.last.isPaused).toBe(true);
    exchange.drain();
    expect(placer.last.isPaused).toBe(false);
    expect(first?.isPaused).toBe(false);
    exchange.leave();
    expectNothingLeft(started);
  });
});

describe("a client that leaves", () => {
  it("before the first output, in the middle, while a retry waits, or before the start", () => {
    const queued = startRun(completion());
    queued.exchange.leave();
    expect(queued.placer.last.isCancelled).toBe(true);
    expectNothingLeft(queued);

    const running = startRun(chat({ stream: true, n: 2, temperature: 1 }));
    running.placer.last.output(words.slice(0, 1)).flush();
    running.exchange.leave();
    expect(running.ends).toEqual([{ kind: "gone" }]);
    expectNothingLeft(running);

    const waiting = startRun(completion());
    waiting.placer.last.error(unavailable());
    expect(waiting.delays.waiting).toHaveLength(1);
    waiting.exchange.leave();
    expectNothingLeft(waiting);

    const exchange = new FakeExchange();
    exchange.leave();
    const early = startRun(completion(), { exchange });
    expect(early.placer.calls).toEqual([]);
    expectNothingLeft(early);
  });

  it("is not told that the router stops, another one is", () => {
    const gone = startRun(completion());
    gone.exchange.leave();
    gone.run.abort({ kind: "stopping" });
    expect(gone.ends).toEqual([{ kind: "gone" }]);

    const there = startRun(completion());
    there.run.abort({ kind: "stopping" });
    expect(there.exchange.status).toBe(503);
    expectNothingLeft(there);
    const streaming = startRun(chat({ stream: true }));
    streaming.placer.last.output(words.slice(0, 1)).flush();
    streaming.run.abort({ kind: "stopping" });
    expect(streaming.exchange.text).toContain("shutting down");
    expect(streaming.exchange.text.endsWith("data: [DONE]\n\n")).toBe(true);
    expectNothingLeft(streaming);
  });
});

describe("a bug", () => {
  it("in a writer ends the request with 500, hurts no worker, and is told", () => {
    const plan = completion();
    const bug = new TypeError("a bug");
    const started = startRun({
      ...plan,
      writer: {
        ...plan.writer,
        contentType: "x",
        prompt: () => undefined,
        output: () => {
          throw bug;
        },
      },
    });
    started.placer.last.output(words.slice(0, 1)).flush();
    expect(started.exchange.status).toBe(500);
    expect(started.bugs).toEqual([bug]);
    expect(started.placer.released).toEqual(["a cancelled"]);
    expect(started.placer.last.isCancelled).toBe(true);
    expectNothingLeft(started);
  });

  it("in starting a call or in placing, at once or on a retry, ends the request, too", () => {
    const placer = new FakePlacer("a");
    placer.generateError = new TypeError("a bug");
    const first = startRun(completion(), { placer });
    expect(first.exchange.status).toBe(500);
    expectNothingLeft(first);

    const later = startRun(completion());
    later.placer.last.error(unavailable());
    later.placer.place = () => {
      throw new TypeError("a bug");
    };
    later.delays.fire();
    expect(later.exchange.status).toBe(500);
    expect(later.bugs).toHaveLength(1);
    expectNothingLeft(later);
  });
});
