import type { OutputDelta, OutputParser, ParsedOutput } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { badRequestError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import type { ResponseWriter } from "../writer.ts";
import { createResponsesCollector } from "./responses-collector.ts";
import type { ResponsesOptions } from "./responses-options.ts";
import { parseResponsesRequest } from "./responses-request.ts";
import { createResponsesStreamWriter } from "./responses-stream-writer.ts";
import { responsesToChat } from "./responses-to-chat.ts";

interface ScriptedCall {
  readonly index?: number;
  readonly id?: string | null;
  readonly name?: string;
  readonly arguments?: string;
}

interface ScriptedDelta {
  readonly content?: string | null;
  readonly reasoning?: string;
  readonly tool_calls?: readonly ScriptedCall[];
}

interface Script {
  readonly name: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly texts: readonly string[];
  readonly finish: readonly [string, null];
  readonly logprobs?: boolean;
  readonly deltas?: readonly (ScriptedDelta | null)[];
  readonly parsed?: {
    readonly reasoning: string | null;
    readonly content: string | null;
    readonly tool_calls: readonly ScriptedCall[] | null;
  };
  readonly reasoning?: number;
  readonly stream: string;
  readonly whole: string;
}

function deltaOf(delta: ScriptedDelta | null): OutputDelta | undefined {
  if (delta === null) return undefined;
  return {
    content: delta.content,
    reasoning: delta.reasoning,
    toolCalls: delta.tool_calls?.map((call) => ({
      index: call.index ?? 0,
      id: call.id ?? undefined,
      name: call.name,
      arguments: call.arguments,
    })),
  };
}

function parsedOf(parsed: NonNullable<Script["parsed"]>): ParsedOutput {
  const calls = parsed.tool_calls?.map((call) => ({
    id: call.id ?? undefined,
    name: call.name ?? "",
    arguments: call.arguments ?? "",
  }));
  return { reasoning: parsed.reasoning, content: parsed.content, toolCalls: calls ?? null };
}

function parserOf(script: Script): OutputParser | undefined {
  const { parsed } = script;
  if (parsed === undefined) return undefined;
  const deltas = (script.deltas ?? []).map(deltaOf);
  return {
    push: () => deltas.shift(),
    parse: () => parsedOf(parsed),
    reasoningTokens: () => script.reasoning,
  } as unknown as OutputParser;
}

function optionsOf(script: Script, stream: boolean): ResponsesOptions {
  const body = parseJson(JSON.stringify({ ...script.body, stream }));
  const responses = parseResponsesRequest(body);
  const request = responsesToChat(responses, undefined);
  const parser = parserOf(script);
  let ids = 0;
  return {
    request,
    responses,
    identity: {
      id: responses.requestId ?? "resp_0",
      created: 1_700_000_000,
      model: "m",
      systemFingerprint: null,
    },
    settings: {
      responseRole: "assistant",
      promptTokensDetails: false,
      forceIncludeUsage: false,
      returnTokensAsTokenIds: false,
    },
    promptCount: 1,
    parserOf: parser === undefined ? undefined : () => parser,
    randomId: () => (ids++).toString(16).padStart(16, "0"),
    sampling: {
      temperature: request.temperature ?? 1,
      topP: request.topP ?? 1,
      presencePenalty: request.presencePenalty ?? 0,
      frequencyPenalty: request.frequencyPenalty ?? 0,
      maxTokens: Number(request.maxCompletionTokens ?? 100),
      logprobs: request.logprobs === true ? Number(request.topLogprobs) : undefined,
    },
  };
}

function play(writer: ResponseWriter, script: Script): string {
  writer.prompt(0, { tokenIds: [7, 8, 9], text: "PROMPT", logprobs: undefined });
  let result = "";
  script.texts.forEach((text, index) => {
    const sampled = { tokenId: index, token: text, logprob: -0.5 };
    const top = [sampled, { tokenId: index + 50, token: "é", logprob: -1.25 }];
    const logprobs = script.logprobs === true ? [{ ...sampled, top }] : undefined;
    const [reason, stopReason] = script.finish;
    const finish = index === script.texts.length - 1 ? { reason, stopReason } : undefined;
    result += writer.output(0, { text, tokenIds: [index], tokenCount: 1, logprobs }, finish);
  });
  return result + writer.end({ promptTokens: 3, cachedTokens: 2, kvTransferParams: undefined });
}

function plain(value: JsonValue): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...(value as JsonObject)].map(([name, member]) => [name, plain(member)]));
  }
  return Array.isArray(value) ? value.map((item: JsonValue) => plain(item)) : value;
}

describe("what vLLM's own generators write of the same outputs, byte for byte", () => {
  for (const row of readFixture("responses-events.jsonl")) {
    const body = row.get("body") as JsonValue;
    const script = {
      ...(plain(row) as Script),
      body: JSON.parse(JSON.stringify(bodyOf(body))) as Script["body"],
    };
    it(`streamed: ${script.name}`, () => {
      expect(play(createResponsesStreamWriter(optionsOf(script, true)), script)).toBe(script.stream);
    });
    it(`whole: ${script.name}`, () => {
      expect(play(createResponsesCollector(optionsOf(script, false)), script)).toBe(script.whole);
    });
  }
});

/** Numbers as JavaScript has them. */
function bodyOf(value: JsonValue): unknown {
  const result = plain(value) as Record<string, unknown>;
  for (const [name, member] of Object.entries(result)) {
    if (typeof member === "object" && member !== null && "value" in member) result[name] = member.value;
  }
  return result;
}

it("ends a stream that fails with an event of OpenAI's own kind", () => {
  const script: Script = {
    name: "",
    body: { input: "Hi" },
    texts: [],
    finish: ["stop", null],
    stream: "",
    whole: "",
  };
  const text = createResponsesStreamWriter(optionsOf(script, true)).error(badRequestError("x", "p"));
  const events = text.trimEnd().split("\n\n");
  expect(events.map((event) => event.split("\n")[0])).toEqual([
    "event: response.created",
    "event: response.in_progress",
    "event: error",
  ]);
  expect(events[2]).toBe(
    'event: error\ndata: {"code":"BadRequestError","message":"x","param":"p","sequence_number":2,"type":"error"}',
  );
});
