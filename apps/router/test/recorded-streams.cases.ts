import { readFileSync } from "node:fs";
import { parseChatRequest, parseJson } from "@vllm-router/api";
import { describe, expect, it } from "vitest";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import { prepareChat } from "../src/pipeline/prepare-chat.ts";
import { envelopeOf } from "./fake-pipeline.ts";
import { expectNothingLeft, startRun } from "./fake-run.ts";
import { recordedLogprobs, recordedModel, type RecordedFamily } from "./recorded-model.ts";

/** One request, what the engine said, and what vLLM's server made of it. */
interface Case {
  readonly name: string;
  readonly toolParser: string | null;
  readonly reasoningParser: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly hasTools: boolean;
  /** Token ids of each engine output. */
  readonly steps: readonly (readonly number[])[];
  readonly finish: "stop" | "length";
  readonly status: number;
  /** A whole answer, or the events of a stream as `[event name, data]`. */
  readonly answer: unknown;
}

/** A file of `__fixtures__/streams`, written by tools/record-parsers/record_streams.py. */
interface Fixture extends RecordedFamily {
  readonly cases: readonly Case[];
}

const TEMPLATE = "{% for m in messages %}{{ m.content }}{% endfor %}";
/** What the recorder takes from the head of every chunk. */
const CHUNK_HEAD = { id: "*", object: "chat.completion.chunk", created: "*", model: "m" };
/** Keys whose values are made up anew for each answer, or tell of the model's files. */
const RANDOM_KEYS = new Set(["id", "created", "system_fingerprint"]);
/** What no gRPC engine reports. */
const UNREPORTED_KEY = "created_cache_tokens";
const CALL_ID = /^(chatcmpl-tool-|call_(?:[0-9]+_)?)(?:[0-9a-f]{16}|\*)$/;
const TOOLS: unknown = JSON.parse(
  readFileSync(new URL("../../../tools/record-parsers/tools.json", import.meta.url), "utf8"),
);

/** Answers every recorded request of a family with the recorded tokens; whatever differs from vLLM's answer fails. */
export function describeRecordedStreams(family: string): void {
  const url = new URL(`__fixtures__/streams/${family}.json`, import.meta.url);
  const fixture = JSON.parse(readFileSync(url, "utf8")) as Fixture;
  describe(`answers of vLLM's server with the parsers of ${family}`, () => {
    it.each(fixture.cases.map((recorded) => [recorded.name, recorded] as const))(
      "%s",
      async (_name, recorded) => {
        const made = replay(await recordedModel(fixture, TEMPLATE, recorded), recorded);
        if (recorded.status !== 200) {
          expectTextAnyhow(made, recorded);
          return;
        }
        const expected = { status: recorded.status, answer: withoutChance(recorded.answer) };
        expect(made).toEqual(expected);
        expect(JSON.stringify(made), "order of keys").toBe(JSON.stringify(expected));
      },
    );
  });
}

/**
 * Some of vLLM's parsers fail on a call that was cut short, and its server answers 400 with Python's words about JSON. The
 * generated text is not withheld here.
 */
function expectTextAnyhow(made: { readonly status: number; readonly answer: unknown }, recorded: Case): void {
  expect(recorded.status).toBe(400);
  expect(recorded.finish).toBe("length");
  expect(made).toMatchObject({
    status: 200,
    answer: {
      choices: [{ finish_reason: "length", message: { content: expect.stringMatching(/./) as unknown } }],
    },
  });
}

function replay(model: ModelRuntime, recorded: Case): { readonly status: number; readonly answer: unknown } {
  const body = {
    ...recorded.body,
    ...(recorded.hasTools ? { tools: TOOLS } : {}),
    // The recorder used it to name the script.
    max_tokens: recorded.finish === "length" ? recorded.steps.flat().length : recorded.body["max_tokens"],
  };
  const request = parseChatRequest(parseJson(JSON.stringify(body)));
  const run = startRun(prepareChat(request, envelopeOf(model)));
  const call = run.placer.last;
  recorded.steps.forEach((tokenIds, at) => {
    call.output(tokenIds, { logprobs: recordedLogprobs(tokenIds, call.request.sampling.logprobs) });
    if (at === recorded.steps.length - 1) {
      call.finish(recorded.finish).flush(true).end();
    } else {
      call.flush();
    }
  });
  expectNothingLeft(run);
  const { exchange } = run;
  const isStream = exchange.text.startsWith("data: ");
  return {
    status: exchange.status ?? 0,
    answer: isStream ? eventsOf(exchange.text) : withoutChance(JSON.parse(exchange.text)),
  };
}

function eventsOf(text: string): readonly unknown[] {
  return text
    .split("\n\n")
    .filter((block) => block !== "")
    .map((block) => {
      const data = block.slice("data: ".length);
      return [null, data === "[DONE]" ? data : bare(withoutChance(JSON.parse(data)))];
    });
}

function bare(chunk: unknown): unknown {
  const entries = Object.entries(chunk as object);
  const size = Object.keys(CHUNK_HEAD).length;
  const isUsual = JSON.stringify(Object.fromEntries(entries.slice(0, size))) === JSON.stringify(CHUNK_HEAD);
  return isUsual ? Object.fromEntries(entries.slice(size)) : chunk;
}

function withoutChance(value: unknown, key?: string): unknown {
  if (Array.isArray(value)) {
    return value.map((item) => withoutChance(item));
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== UNREPORTED_KEY)
        .map(([name, item]) => [name, withoutChance(item, name)]),
    );
  }
  if (key !== undefined && RANDOM_KEYS.has(key)) {
    return typeof value === "string" && CALL_ID.test(value) ? value.replace(CALL_ID, "$1*") : "*";
  }
  return value;
}
