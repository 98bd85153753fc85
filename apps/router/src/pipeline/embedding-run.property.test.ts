import { EngineError, type Embedding } from "@vllm-router/engine-client";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FakeDelays, FakeExchange } from "../../test/fake-pipeline.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import { EmbeddingRun, type EmbeddingEnd } from "./embedding-run.ts";

/** What the world does next. */
type Step = "succeed" | "reject" | "fail" | "throw" | "timers" | "leave" | "worker-down" | "worker-up";

interface Call {
  readonly worker: string;
  readonly signal: AbortSignal;
  resolve(embedding: Embedding): void;
  reject(error: unknown): void;
}

class World {
  readonly exchange = new FakeExchange();
  readonly delays = new FakeDelays();
  readonly ends: EmbeddingEnd[] = [];
  readonly calls: Call[] = [];
  readonly run: EmbeddingRun;
  up = new Set(["a", "b"]);
  held = 0;
  most = 0;
  doubleReleases = 0;
  internalErrors = 0;

  constructor(prompts: number) {
    const plan: EmbeddingPlan = {
      responseId: "embd-1",
      model: {} as ModelRuntime,
      prompts: Array.from({ length: prompts }, (_, at) => Int32Array.of(at)),
      requiredFields: [],
      routingKey: undefined,
      metadata: undefined,
      answer: (pooled) => ({
        body: JSON.stringify(pooled.map(({ values }) => values[0])),
        contentType: "application/json",
        metadata: undefined,
      }),
    };
    this.run = new EmbeddingRun(plan, this.exchange.asExchange, {
      uniqueId: () => "u",
      place: (tokenIds, excluded) => this.#place(tokenIds, excluded),
      retryDelayMs: (retry) => (retry <= 2 ? 1 : undefined),
      after: this.delays.after,
      retryScheduled: () => undefined,
      retriesExhausted: () => undefined,
      internalError: () => (this.internalErrors += 1),
      ended: (_, end) => this.ends.push(end),
    });
  }

  #place(
    tokenIds: Int32Array,
    excluded: readonly string[],
  ): ReturnType<ConstructorParameters<typeof EmbeddingRun>[2]["place"]> {
    const worker = [...this.up].find((name) => !excluded.includes(name));
    if (worker === undefined) {
      return {
        kind: "not-placed",
        failure: { code: "no_worker", message: "No engine is ready.", field: undefined },
      };
    }
    this.held += 1;
    this.most = Math.max(this.most, this.held);
    let released = false;
    return {
      kind: "placed",
      placement: {
        workerId: worker,
        rank: undefined,
        reason: "first",
        deadlineAtMs: undefined,
        output: () => undefined,
        release: () => {
          this.doubleReleases += released ? 1 : 0;
          this.held -= released ? 0 : 1;
          released = true;
        },
        embed: (_, { signal }) =>
          new Promise((resolve, reject) => {
            const call: Call = {
              worker,
              signal,
              resolve: () => resolve({ values: [tokenIds[0] ?? -1], promptTokens: 1 }),
              reject,
            };
            this.calls.push(call);
            signal.addEventListener("abort", () => reject(new EngineError("cancelled", "cancelled")));
          }),
      },
    };
  }

  async step(step: Step): Promise<void> {
    const call = this.calls.at(0);
    switch (step) {
      case "succeed":
        this.calls.shift()?.resolve({ values: [], promptTokens: 1 });
        break;
      case "reject":
        this.calls.shift()?.reject(new EngineError("rejected", "no"));
        break;
      case "fail":
        this.calls.shift()?.reject(new EngineError("unavailable", "gone"));
        break;
      case "throw":
        this.calls.shift()?.reject(new TypeError("a bug"));
        break;
      case "timers":
        this.delays.fire();
        break;
      case "leave":
        this.exchange.leave();
        break;
      case "worker-down":
        this.up.delete(call?.worker ?? "a");
        break;
      case "worker-up":
        this.up = new Set(["a", "b"]);
        break;
    }
    // What an engine client's promise tells comes a turn later.
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  }
}

const steps = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Step>("succeed") },
    { weight: 3, arbitrary: fc.constant<Step>("timers") },
    {
      weight: 2,
      arbitrary: fc.constantFrom<Step>("fail", "worker-down", "worker-up"),
    },
    { weight: 1, arbitrary: fc.constantFrom<Step>("reject", "throw", "leave") },
  ),
  { maxLength: 60 },
);

describe("a run of embeddings", () => {
  it("ends once, answers whole or not at all, and gives every place back, whatever happens", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), steps, async (prompts, plan) => {
        const world = new World(prompts);
        world.run.start();
        for (const step of plan) {
          await world.step(step);
        }
        if (world.ends.length === 0) {
          world.run.abort({ kind: "stopping" });
        }
        expect(world.ends.length).toBe(1);
        expect([world.held, world.doubleReleases, world.delays.waiting.length]).toEqual([0, 0, 0]);
        const [end] = world.ends;
        const answered = JSON.stringify(Array.from({ length: prompts }, (_, at) => at));
        expect(world.exchange.text === answered).toBe(end?.kind === "done");
        expect(world.exchange.status === 200).toBe(end?.kind === "done");
        expect(world.exchange.text === "").toBe(end?.kind === "gone");
      }),
    );
  });

  it("has no more calls under way than engines can use", async () => {
    const world = new World(150);
    world.run.start();
    expect(world.held).toBe(64);
    for (let at = 0; at < 150; at += 1) {
      await world.step("succeed");
    }
    expect([world.most, world.held]).toEqual([64, 0]);
    expect(world.ends).toEqual([{ kind: "done" }]);
  });

  it("tries another worker, and the failed one again when there is nobody else", async () => {
    const world = new World(1);
    world.run.start();
    await world.step("fail");
    await world.step("timers");
    expect(world.calls.map(({ worker }) => worker)).toEqual(["b"]);
    await world.step("fail");
    await world.step("timers");
    expect(world.calls.map(({ worker }) => worker)).toEqual(["a"]);
    await world.step("succeed");
    expect([world.ends, world.run.attempts, world.run.workersUsed]).toEqual([
      [{ kind: "done" }],
      3,
      ["a", "b"],
    ]);
  });

  it("cancels the engine's work when the client leaves", async () => {
    const world = new World(3);
    world.run.start();
    await world.step("leave");
    expect(world.calls.every(({ signal }) => signal.aborted)).toBe(true);
    expect(world.ends).toEqual([{ kind: "gone" }]);
  });

  it("tells of a bug, and answers 500", async () => {
    const world = new World(1);
    world.run.start();
    await world.step("throw");
    await world.step("timers");
    await world.step("throw");
    await world.step("timers");
    await world.step("throw");
    expect([world.internalErrors, world.exchange.status]).toEqual([3, 500]);
  });
});
