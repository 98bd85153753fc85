import { readFileSync } from "node:fs";
import { ApiError, errorBody, modelNotFoundError, parseJson } from "@vllm-router/api";
import type { StructuredOutput } from "@vllm-router/engine-client";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import { ResponseStore } from "../src/responses/response-store.ts";
import type { GeneratingApi, GeneratingRequest } from "../src/routes/generate-route.ts";
import { MESSAGES } from "../src/routes/generating-apis.ts";
import { responsesApi } from "../src/routes/responses.ts";
import { envelopeOf, type FakeCall, FakeExchange } from "./fake-pipeline.ts";
import { expectNothingLeft, startRun, type StartedRun } from "./fake-run.ts";
import { NamedIds, UNREPORTED } from "./named-ids.ts";
import { recordedLogprobs, recordedModel, type RecordedFamily } from "./recorded-model.ts";

type Path = "/v1/responses" | "/v1/messages";
type Body = Readonly<Record<string, unknown>>;

/** One request, what the engine said, and what vLLM's server made of it. */
interface Case {
  readonly name: string;
  /** Place of its tokenizer in the file. */
  readonly family: number;
  readonly toolParser: string | null;
  readonly reasoningParser: string | null;
  readonly path: Path;
  readonly body: Body;
  /** Requests it goes on from, and what was said to each. */
  readonly before?: readonly { readonly body: Body; readonly tokens: readonly number[] }[];
  /** Token ids of each engine output. */
  readonly steps: readonly (readonly number[])[];
  readonly finish: "stop" | "length";
  readonly status: number;
  /** A whole answer, or the events of a stream. */
  readonly answer: unknown;
  /** What reached the engine; absent where another case says it, null where nothing did. */
  readonly prompt?: readonly number[] | null;
  readonly constraint?: Body;
}

/** A file of `__fixtures__/answers`, written by tools/record-parsers/record_answers.py. */
interface Fixture {
  readonly template: string;
  readonly families: readonly RecordedFamily[];
  readonly tools: Readonly<Record<Path, unknown>>;
  /** Tools as responses repeat them, which answers name by their place here. */
  readonly echoes: readonly unknown[];
  readonly cases: readonly Case[];
}

const LIMITS = { "/v1/responses": "max_output_tokens", "/v1/messages": "max_tokens" } as const;

/**
 * Answers every recorded request with the recorded tokens; whatever differs from vLLM's answer, or from the prompt that
 * vLLM's engine got, fails.
 * @param differences what is known to differ, by the name of the case
 */
export function describeRecordedAnswers(name: string, differences: ReadonlySet<string> = new Set()): void {
  const url = new URL(`__fixtures__/answers/${name}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(url, "utf8")) as Fixture;
  // The day the recorder gave the server: conversations in Harmony say it.
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 10, 27, 12) }));
  afterAll(() => void vi.useRealTimers());
  describe(`answers of vLLM's server on /v1/responses and /v1/messages: ${name}`, () => {
    const isKnown = (recorded: Case): boolean => differences.has(recorded.name);
    it.each(named(fixture.cases.filter(isKnown)))("known to differ: %s", async (_title, recorded) => {
      const family = fixture.families[recorded.family] ?? {};
      const model = await recordedModel(family, fixture.template, recorded);
      expect(replay(model, recorded, fixture)).not.toEqual(expectedOf(recorded, fixture));
    });
    it.each(named(fixture.cases.filter((recorded) => !isKnown(recorded))))("%s", async (_title, recorded) => {
      const family = fixture.families[recorded.family] ?? {};
      const model = await recordedModel(family, fixture.template, recorded);
      const made = replay(model, recorded, fixture);
      const expected = withoutCut(expectedOf(recorded, fixture), made);
      // A prompt that differs is read more easily than its tokens.
      expect(textOf(made.prompt, model)).toBe(textOf(expected.prompt, model));
      expect(made).toEqual(expected);
      expect(JSON.stringify(made.answer), "order of keys").toBe(JSON.stringify(expected.answer));
    });
  });
}

function named(cases: readonly Case[]): readonly (readonly [string, Case])[] {
  return cases.map((recorded) => [recorded.name, recorded]);
}

/** An answer with what reached the engine. */
interface Replayed {
  readonly status: number;
  readonly answer: unknown;
  readonly prompt?: readonly number[] | null;
  readonly constraint?: unknown;
}

/** Where vLLM loses the connection in the middle of a stream, the router says what happened in an event, then ends. */
function withoutCut(expected: Replayed, made: Replayed): Replayed {
  const events = expected.answer;
  const last: unknown = Array.isArray(events) ? events.at(-1) : undefined;
  if (JSON.stringify(last) !== '[null,{"$":"connection lost"}]') return expected;
  const told: unknown = Array.isArray(made.answer) ? made.answer.at(-1) : undefined;
  expect(told).toMatchObject([null, { type: "error", code: "BadRequestError" }]);
  return { ...expected, answer: [...(events as readonly unknown[]).slice(0, -1), told] };
}

function textOf(prompt: Replayed["prompt"], { tokenizer }: ModelRuntime): string {
  return tokenizer.decode(prompt ?? [], { skipSpecialTokens: false });
}

function expectedOf(recorded: Case, fixture: Fixture): Replayed {
  const { status, answer, prompt, constraint } = recorded;
  return {
    status,
    answer: withEchoes(answer, fixture),
    ...(prompt === undefined ? {} : { prompt, constraint: plainConstraint(constraint) }),
  };
}

function replay(model: ModelRuntime, recorded: Case, fixture: Fixture): Replayed {
  const store = new ResponseStore({ capacity: 10, maxCharacters: 10_000_000 });
  for (const { body, tokens } of recorded.before ?? []) {
    const run = ask(model, { path: recorded.path, body: filled(body, recorded.path, fixture) }, store);
    say(run.placer.last, { steps: tokens.map((id) => [id]), finish: "stop" });
    expectNothingLeft(run);
  }
  const body = limited(filled(recorded.body, recorded.path, fixture), recorded);
  let run: StartedRun;
  try {
    run = ask(model, { path: recorded.path, body }, store);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const answer = new NamedIds().clean(JSON.parse(error.body));
    return withPrompt({ status: error.status, answer }, recorded, undefined);
  }
  const call = run.placer.calls.at(-1);
  if (call !== undefined) say(call, recorded);
  const { exchange } = run;
  const text = exchange.text;
  const isStream = text.startsWith("event: ") || text.startsWith("data: ");
  const answer = isStream ? eventsOf(text) : new NamedIds().clean(JSON.parse(text));
  return withPrompt({ status: exchange.status ?? 0, answer: unlimited(answer, recorded) }, recorded, call);
}

/** With what reached the engine, where the recording says it. */
function withPrompt(
  made: { readonly status: number; readonly answer: unknown },
  recorded: Case,
  call: FakeCall | undefined,
): Replayed {
  if (recorded.prompt === undefined) return made;
  return {
    ...made,
    prompt: call === undefined ? null : [...call.request.tokenIds],
    constraint: constraintOf(call?.request.sampling.structuredOutput),
  };
}

function ask(
  model: ModelRuntime,
  asked: { readonly path: Path; readonly body: Body },
  store: ResponseStore,
): StartedRun {
  return asked.path === "/v1/messages"
    ? started(MESSAGES, model, asked.body)
    : started(responsesApi(store), model, asked.body);
}

/** A refusal, with the body it is answered with. */
class Refusal extends Error {
  readonly status: number;
  readonly body: string;

  constructor(error: ApiError, body: (error: ApiError) => string) {
    super(error.message);
    this.status = error.status;
    this.body = body(error);
  }
}

function started<TRequest extends GeneratingRequest>(
  api: GeneratingApi<TRequest>,
  model: ModelRuntime,
  body: Body,
): StartedRun {
  const request = refusing(errorBody, () => api.parse(parseJson(JSON.stringify(body))));
  void api.ready?.(request);
  const own = api.errorBody ?? errorBody;
  return refusing(own, () => {
    if (request.model !== "m") throw modelNotFoundError(request.model ?? "", ["m"]);
    const responseId = api.responseId?.(request) ?? `${api.idPrefix}${"0".repeat(16)}`;
    const plan = api.prepare(request, { ...envelopeOf(model), responseId });
    const exchange = new FakeExchange();
    exchange.errorBody = own;
    return startRun(plan, { exchange });
  });
}

function refusing<T>(body: (error: ApiError) => string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof ApiError ? new Refusal(error, body) : error;
  }
}

function say(call: FakeCall, script: Pick<Case, "steps" | "finish">): void {
  script.steps.forEach((tokenIds, at) => {
    call.output(tokenIds, { logprobs: recordedLogprobs(tokenIds, call.request.sampling.logprobs) });
    if (at === script.steps.length - 1) {
      call.finish(script.finish).flush(true).end();
    } else {
      call.flush();
    }
  });
}

function filled(body: Body, path: Path, fixture: Fixture): Body {
  return body["tools"] === "$tools" ? { ...body, tools: fixture.tools[path] } : body;
}

function eventsOf(text: string): readonly unknown[] {
  const names = new NamedIds();
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block, place) => {
      const [first = "", second] = block.split("\n");
      const name = second === undefined ? null : first.slice("event: ".length);
      const data = (second ?? first).slice("data: ".length);
      if (data === "[DONE]") return [name, data];
      const value = names.clean(JSON.parse(data)) as Record<string, unknown>;
      if (value["sequence_number"] === place) delete value["sequence_number"];
      return [value["type"] === name ? null : name, value];
    });
}

/** The recorder names the script by its number of tokens; an output that is cut off has to reach its own. */
function limited(body: Body, { path, steps, finish }: Case): Body {
  return finish === "length" ? { ...body, [LIMITS[path]]: steps.flat().length } : body;
}

/** The answer with the recorder's limit for its own. */
function unlimited(answer: unknown, { body, steps, finish }: Case): unknown {
  if (finish !== "length") return answer;
  const limit = body["max_output_tokens"] as number | undefined;
  const own = `"max_output_tokens":${steps.flat().length},`;
  return JSON.parse(JSON.stringify(answer).replaceAll(own, `"max_output_tokens":${limit ?? 0},`)) as unknown;
}

function withEchoes(value: unknown, fixture: Fixture): unknown {
  if (Array.isArray(value)) {
    return value[0] === "$echo"
      ? fixture.echoes[value[1] as number]
      : value.map((item) => withEchoes(item, fixture));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !UNREPORTED.has(key))
      .map(([key, item]) => [key, withEchoes(item, fixture)]),
  );
}

/** A constraint by vLLM's name for its kind. */
function constraintOf(constraint: StructuredOutput | undefined): unknown {
  switch (constraint?.kind) {
    case undefined:
      return undefined;
    case "json-schema":
      return { json: JSON.parse(constraint.schema) as unknown };
    case "json-object":
      return { json_object: true };
    case "regex":
      return { regex: constraint.pattern };
    case "choice":
      // vLLM's server writes it as a grammar before its engine sees it; engines over gRPC do that themselves.
      return {
        grammar: `root ::= ${constraint.choices.map((choice) => JSON.stringify(choice)).join(" | ")}`,
      };
    case "grammar":
      return { grammar: constraint.grammar };
    case "structural-tag":
      return { structural_tag: JSON.parse(constraint.tag) as unknown };
  }
}

function plainConstraint(constraint: Body | undefined): unknown {
  if (constraint === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(constraint).map(([kind, value]) => [
      kind,
      (kind === "structural_tag" || kind === "json") && typeof value === "string"
        ? (JSON.parse(value) as unknown)
        : value,
    ]),
  );
}
