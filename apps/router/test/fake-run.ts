import { parseChatRequest, parseCompletionRequest, parseJson } from "@vllm-router/api";
import { EngineError } from "@vllm-router/engine-client";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import type { RequestPlan } from "../src/pipeline/plan.ts";
import { prepareChat } from "../src/pipeline/prepare-chat.ts";
import { prepareCompletion } from "../src/pipeline/prepare-completion.ts";
import { RequestRun, type RunEnd } from "../src/pipeline/request-run.ts";
import { expect } from "vitest";
import { envelopeOf, FakeDelays, FakeExchange, FakePlacer } from "./fake-pipeline.ts";

/** The engine cannot be reached. */
export const unavailable = (): EngineError => new EngineError("unavailable", "gone");

/** The plan of a completion of at most 8 tokens, changed by `body`. */
export function completionPlan(
  model: ModelRuntime,
  body: Readonly<Record<string, unknown>> = {},
): RequestPlan {
  const request = parseCompletionRequest(
    parseJson(JSON.stringify({ prompt: "Hi", max_tokens: 8, temperature: 0, ...body })),
  );
  return prepareCompletion(request, envelopeOf(model));
}

/** The plan of a chat of at most 8 tokens, changed by `body`. */
export function chatPlan(model: ModelRuntime, body: Readonly<Record<string, unknown>> = {}): RequestPlan {
  const messages = [{ role: "user", content: "Hi" }];
  const request = parseChatRequest(
    parseJson(JSON.stringify({ messages, max_tokens: 8, temperature: 0, ...body })),
  );
  return prepareChat(request, envelopeOf(model));
}

/** A run that was started, and everything around it. */
export interface StartedRun {
  readonly run: RequestRun;
  readonly exchange: FakeExchange;
  readonly placer: FakePlacer;
  readonly delays: FakeDelays;
  readonly ends: RunEnd[];
  readonly bugs: unknown[];
  readonly gaps: number[];
  readonly clock: { nowMs: number };
}

/** Starts a run on fakes; by default there are two workers and three retries. */
export function startRun(
  plan: RequestPlan,
  options: {
    readonly placer?: FakePlacer;
    readonly exchange?: FakeExchange;
    readonly retries?: number;
  } = {},
): StartedRun {
  const { placer = new FakePlacer("a", "b"), exchange = new FakeExchange(), retries = 3 } = options;
  const delays = new FakeDelays();
  const ends: RunEnd[] = [];
  const bugs: unknown[] = [];
  const gaps: number[] = [];
  const clock = { nowMs: 100 };
  let ids = 0;
  const run = new RequestRun(plan, exchange.asExchange, {
    placer,
    uniqueId: () => {
      ids += 1;
      return `u${ids}`;
    },
    retryDelayMs: (retry) => (retry > retries ? undefined : retry * 10),
    after: delays.after,
    retryScheduled: () => undefined,
    retriesExhausted: () => undefined,
    internalError: (_, error) => void bugs.push(error),
    now: () => clock.nowMs,
    ended: (_, end) => void ends.push(end),
    outputGap: (gapMs) => void gaps.push(gapMs),
  });
  run.start();
  return { run, exchange, placer, delays, ends, bugs, gaps, clock };
}

/** What must be true of every run that is over. */
export function expectNothingLeft({ placer, delays, ends }: StartedRun): void {
  expect(placer.held).toBe(0);
  expect(delays.waiting).toEqual([]);
  expect(ends).toHaveLength(1);
}

/** `error` of a whole answer. */
export function errorOf({ exchange }: StartedRun): unknown {
  return (JSON.parse(exchange.text) as { error: unknown }).error;
}

/** The answer to a completion. */
export interface CompletionBody {
  readonly choices: readonly { readonly index: number; readonly text: string }[];
  readonly usage: Readonly<Record<string, unknown>>;
}

/** A whole answer. */
export function bodyOf({ exchange }: StartedRun): CompletionBody {
  return JSON.parse(exchange.text) as CompletionBody;
}
