import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { parseChatRequest, parseCompletionRequest, parseJson } from "@vllm-router/api";
import { builtinRuntime, envelopeOf } from "../../test/fake-pipeline.ts";
import { expectNothingLeft, startRun } from "../../test/fake-run.ts";
import { sseEvents } from "../../test/start-router.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RequestPlan } from "./plan.ts";
import { prepareChat } from "./prepare-chat.ts";
import { prepareCompletion } from "./prepare-completion.ts";

const RUNS = 150;
const TEXT =
  "The quick brown fox — jumps 🦊 over the lazy dog, and 狐 sleeps. naïve café, the end of the tale.";

let model: ModelRuntime;
let tokens: readonly number[];

beforeAll(async () => {
  model = await builtinRuntime();
  tokens = [...model.tokenizer.encode(TEXT, false)];
});

/** How an engine may cut what it generates, and what the client asked for. */
interface Scenario {
  readonly api: "chat" | "completion";
  /** Tokens of each output; the rest comes in one. */
  readonly cuts: readonly number[];
  /** After which outputs the transport flushes. */
  readonly flushes: readonly boolean[];
  readonly isFinishWithLast: boolean;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly includeStop: boolean;
  /** The engine ends by itself where the router would; else it goes on to the last of its tokens. */
  readonly engineStops: boolean;
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  api: fc.constantFrom("chat" as const, "completion" as const),
  cuts: fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 40 }),
  flushes: fc.array(fc.boolean(), { maxLength: 40 }),
  isFinishWithLast: fc.boolean(),
  maxTokens: fc.integer({ min: 1, max: 40 }),
  stop: fc.subarray(["fox", "jumps 🦊 o", "lazy dog,", "e c", "never said", "the"], { maxLength: 3 }),
  includeStop: fc.boolean(),
  engineStops: fc.boolean(),
});

function planOf(scenario: Scenario, stream: boolean): RequestPlan {
  const { api, maxTokens, stop, includeStop } = scenario;
  const body = {
    ...(api === "chat" ? { messages: [{ role: "user", content: "Hi" }] } : { prompt: "Hi" }),
    max_tokens: maxTokens,
    temperature: 0,
    stop,
    include_stop_str_in_output: includeStop,
    return_token_ids: true,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  };
  const json = parseJson(JSON.stringify(body));
  return api === "chat"
    ? prepareChat(parseChatRequest(json), envelopeOf(model))
    : prepareCompletion(parseCompletionRequest(json), envelopeOf(model));
}

/** Runs a request against an engine that cuts its tokens in such a way; gives back what the client received. */
function answerTo(plan: RequestPlan, outputs: readonly (readonly number[])[], scenario: Scenario): string {
  const started = startRun(plan, { retries: 0 });
  const { exchange, placer, bugs } = started;
  const call = placer.last;
  for (const [at, output] of outputs.entries()) {
    call.output(output);
    if (at === outputs.length - 1 && scenario.isFinishWithLast) {
      break;
    }
    if (scenario.flushes[at] === true) {
      call.flush();
    }
  }
  call.finish("length").flush().end();
  expectNothingLeft(started);
  expect([bugs, exchange.isEnded]).toEqual([[], true]);
  return exchange.text;
}

interface Said {
  readonly text: string;
  readonly ids: readonly number[];
  readonly finish: unknown;
  readonly usage: unknown;
}

interface Choice {
  readonly text?: string;
  readonly delta?: { readonly content?: string };
  readonly token_ids?: readonly number[] | null;
  readonly finish_reason: string | null;
  readonly stop_reason?: unknown;
}

/** A stream as the client puts it together; finishes exactly once. */
function concatenated(sse: string): Said {
  const chunks = sseEvents<{ choices: readonly Choice[]; usage?: unknown }>(sse);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const last = choices.filter((choice) => choice.finish_reason !== null);
  expect(last).toHaveLength(1);
  expect(choices.at(-1)).toBe(last[0]);
  return {
    text: choices.map((choice) => choice.text ?? choice.delta?.content ?? "").join(""),
    ids: choices.flatMap((choice) => choice.token_ids ?? []),
    finish: [last[0]?.finish_reason, last[0]?.stop_reason],
    usage: chunks.at(-1)?.usage,
  };
}

function cut(ids: readonly number[], cuts: readonly number[]): readonly (readonly number[])[] {
  const outputs: (readonly number[])[] = [];
  let at = 0;
  for (const size of [...cuts, ids.length]) {
    if (at < ids.length) {
      outputs.push(ids.slice(at, at + size));
      at += size;
    }
  }
  return outputs;
}

describe("the answer", () => {
  it("does not depend on how an engine cuts its tokens into outputs, streamed or not", () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const generated = tokens.slice(0, scenario.maxTokens);
        const oneByOne = generated.map((id) => [id]);
        const expectedBody = answerTo(planOf(scenario, false), oneByOne, scenario);
        const { choices, usage } = JSON.parse(expectedBody) as {
          choices: (Choice & { message?: { content: string } })[];
          usage: { completion_tokens: number };
        };
        const [choice] = choices;
        const kept = usage.completion_tokens;
        const ids = scenario.engineStops ? generated.slice(0, kept) : generated;
        const outputs = cut(ids, scenario.cuts);

        expect(answerTo(planOf(scenario, false), outputs, scenario)).toBe(expectedBody);
        expect(answerTo(planOf(scenario, false), [ids], scenario)).toBe(expectedBody);

        const said = concatenated(answerTo(planOf(scenario, true), outputs, scenario));
        expect(said).toEqual(concatenated(answerTo(planOf(scenario, true), oneByOne, scenario)));
        expect(said.text).toBe(choice?.text ?? choice?.message?.content);
        expect(said.ids).toEqual(choice?.token_ids);
        expect(said.finish).toEqual([choice?.finish_reason, choice?.stop_reason]);
        expect(said.usage).toMatchObject({ completion_tokens: kept });
        expect(said.ids).toHaveLength(kept);
      }),
      { seed: 20, numRuns: RUNS },
    );
  });
});
