import type { OutputDelta, OutputParser, ParsedOutput } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { badRequestError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import type { ChatRequest } from "../request/chat-request.ts";
import type { ChoiceFinish } from "../writer.ts";
import { createMessagesCollector } from "./messages-collector.ts";
import { anthropicErrorBody } from "./messages-errors.ts";
import type { MessagesResponseOptions } from "./messages-options.ts";
import { parseMessagesRequest } from "./messages-request.ts";
import { createMessagesStreamWriter } from "./messages-stream-writer.ts";
import { messagesToChat } from "./messages-to-chat.ts";

const STOP: ChoiceFinish = { reason: "stop", stopReason: null };
const EMPTY: OutputDelta = { content: undefined, reasoning: undefined, toolCalls: undefined };

/** A parser that says what it is told to, one delta an output. */
function scripted(deltas: readonly (OutputDelta | undefined)[], whole?: ParsedOutput): OutputParser {
  const rest = [...deltas];
  return {
    push: () => rest.shift(),
    parse: () => whole ?? { reasoning: null, content: null, toolCalls: null },
    reasoningTokens: () => undefined,
  } as unknown as OutputParser;
}

function optionsFor(
  more: Readonly<Record<string, unknown>> = {},
  parser?: OutputParser,
  promptTokensDetails = false,
): MessagesResponseOptions {
  const body = { model: "m", max_tokens: 9, messages: [], ...more };
  const request: ChatRequest = messagesToChat(parseMessagesRequest(parseJson(JSON.stringify(body))), {
    mergeInlineSystem: false,
    disabledThinkingEffort: "none",
    nowSeconds: 0,
  });
  let ids = 0;
  return {
    request,
    identity: { id: "chatcmpl-1", created: 1, model: "m", systemFingerprint: null },
    settings: {
      responseRole: "assistant",
      promptTokensDetails,
      forceIncludeUsage: false,
      returnTokensAsTokenIds: false,
    },
    promptCount: 1,
    parserOf: parser === undefined ? undefined : () => parser,
    randomId: () => String(ids++).padStart(16, "0"),
  };
}

function streamed(options: MessagesResponseOptions, texts: readonly string[], finish = STOP): string {
  const writer = createMessagesStreamWriter(options);
  writer.prompt(0, { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined });
  let result = "";
  texts.forEach((text, index) => {
    const output = { text, tokenIds: [index], tokenCount: 1, logprobs: undefined };
    result += writer.output(0, output, index === texts.length - 1 ? finish : undefined);
  });
  return result + writer.end({ promptTokens: 3, cachedTokens: 2, kvTransferParams: undefined });
}

/** Events without their envelope. */
function events(text: string): readonly unknown[] {
  return text
    .trimEnd()
    .split("\n\n")
    .map((event) => {
      const [name = "", data = ""] = event.split("\n");
      const value = JSON.parse(data.slice("data: ".length)) as { readonly type: string };
      expect(name).toBe(`event: ${value.type}`);
      return value;
    });
}

function collected(options: MessagesResponseOptions, text: string, finish = STOP): unknown {
  const writer = createMessagesCollector(options);
  writer.prompt(0, { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined });
  writer.output(0, { text, tokenIds: [5, 6], tokenCount: 2, logprobs: undefined }, finish);
  return JSON.parse(writer.end({ promptTokens: 3, cachedTokens: 2, kvTransferParams: '{"a":null}' }));
}

const call = (id: string | undefined, name: string | undefined, args: string | undefined): OutputDelta => ({
  ...EMPTY,
  content: null,
  toolCalls: [{ index: 0, id, name, arguments: args }],
});

describe("the stream", () => {
  it("is, without a parser, one block of text, byte for byte", () => {
    expect(streamed(optionsFor({ stream: true }), ["Hé", "", '"\n'])).toBe(
      'event: message_start\ndata: {"type":"message_start","message":{"id":"chatcmpl-1","type":"message",' +
        '"role":"assistant","content":[],"model":"m","stop_reason":null,"stop_sequence":null,' +
        '"usage":{"input_tokens":3,"output_tokens":0}}}\n\n' +
        'event: content_block_start\ndata: {"type":"content_block_start","content_block":{"type":"text","text":""},"index":0}\n\n' +
        'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"Hé"},"index":0}\n\n' +
        'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"\\"\\n"},"index":0}\n\n' +
        'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n' +
        'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":3,"output_tokens":3}}\n\n' +
        'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    );
  });

  it("opens a block for thinking, text and each call, and signs the thinking", () => {
    const parser = scripted([
      { ...EMPTY, reasoning: "hm" },
      undefined,
      { ...EMPTY, reasoning: "", content: "Let me see." },
      call("t1", "w", undefined),
      call(undefined, undefined, '{"c":'),
      { ...EMPTY, content: " Also " },
      call(undefined, undefined, "1}"),
      { content: "this.", reasoning: undefined, toolCalls: undefined },
      { ...EMPTY, toolCalls: [{ index: 1, id: "t2", name: "v", arguments: "{" }] },
    ]);
    const list = events(streamed(optionsFor({ stream: true }, parser), "abcdefghi".split("")));
    const block = (index: number, content_block: unknown): unknown => ({
      type: "content_block_start",
      content_block,
      index,
    });
    const delta = (index: number, value: unknown): unknown => ({
      type: "content_block_delta",
      delta: value,
      index,
    });
    const stop = (index: number): unknown => ({ type: "content_block_stop", index });
    expect(list.slice(1)).toEqual([
      block(0, { type: "thinking", thinking: "" }),
      delta(0, { type: "thinking_delta", thinking: "hm" }),
      delta(0, { type: "signature_delta", signature: "00000000000000000000000000000001" }),
      stop(0),
      block(1, { type: "text", text: "" }),
      delta(1, { type: "text_delta", text: "Let me see." }),
      stop(1),
      block(2, { type: "tool_use", id: "t1", name: "w", input: {} }),
      delta(2, { type: "input_json_delta", partial_json: '{"c":' }),
      delta(2, { type: "input_json_delta", partial_json: "1}" }),
      stop(2),
      block(3, { type: "text", text: "" }),
      delta(3, { type: "text_delta", text: " Also this." }),
      stop(3),
      block(4, { type: "tool_use", id: "t2", name: "v", input: {} }),
      delta(4, { type: "input_json_delta", partial_json: "{" }),
      stop(4),
      {
        type: "message_delta",
        delta: { stop_reason: "tool_use", stop_sequence: null },
        usage: { input_tokens: 3, output_tokens: 9 },
      },
      { type: "message_stop" },
    ]);
  });

  it.each([
    [{ reason: "length", stopReason: null }, "{}", "max_tokens", null],
    [{ reason: "stop", stopReason: "END" }, "{}", "tool_use", null],
    [{ reason: "stop", stopReason: "END" }, "{", "stop_sequence", "END"],
    [{ reason: "stop", stopReason: 7 }, "{", "tool_use", null],
    [{ reason: "abort", stopReason: null }, "{}", null, null],
  ] as const)("ends with %j after arguments %s as %s", (...[finish, args, reason, sequence]) => {
    const parser = scripted([call("t1", "w", args)]);
    const list = events(streamed(optionsFor({ stream: true }, parser), ["x"], finish));
    expect(list.at(-2)).toMatchObject({ delta: { stop_reason: reason, stop_sequence: sequence } });
  });

  it("tells one call only when more are forbidden", () => {
    const two: OutputDelta = {
      ...EMPTY,
      toolCalls: [
        { index: 0, id: "a", name: "w", arguments: "{}" },
        { index: 1, id: "b", name: "w", arguments: "{}" },
      ],
    };
    const more = { stream: true, tool_choice: { type: "auto", disable_parallel_tool_use: true } };
    expect(streamed(optionsFor(more, scripted([two])), ["x"]).match(/"tool_use","id"/g)).toHaveLength(1);
    expect(
      streamed(optionsFor({ stream: true }, scripted([two])), ["x"]).match(/"tool_use","id"/g),
    ).toHaveLength(2);
  });

  it("ends with an error as vLLM complains about it", () => {
    const text = createMessagesStreamWriter(optionsFor({ stream: true })).error(badRequestError("x", 'a"b'));
    expect(events(text)).toEqual([
      {
        type: "error",
        error: {
          type: "internal_error",
          message: `2 validation errors for ChatCompletionStreamResponse
model
  Field required [type=missing, input_value={'error': {'message': 'x'...m': 'a"b', 'code': 400}}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.14/v/missing
choices
  Field required [type=missing, input_value={'error': {'message': 'x'...m': 'a"b', 'code': 400}}, input_type=dict]
    For further information visit https://errors.pydantic.dev/2.14/v/missing`,
        },
      },
    ]);
  });
});

describe("the whole body", () => {
  it("has no nulls, and one empty text where there is nothing", () => {
    expect(collected(optionsFor(), "")).toEqual({
      id: "chatcmpl-1",
      type: "message",
      role: "assistant",
      content: [{ type: "text", text: "" }],
      model: "m",
      stop_reason: "end_turn",
      usage: { input_tokens: 3, output_tokens: 2 },
      kv_transfer_params: { a: null },
    });
  });

  it("counts cached tokens apart where the server shows them", () => {
    expect(collected(optionsFor({}, undefined, true), "x")).toMatchObject({
      usage: { input_tokens: 1, output_tokens: 2, cache_read_input_tokens: 2 },
    });
  });

  it("says how it ended", () => {
    expect(collected(optionsFor(), "x", { reason: "stop", stopReason: "END" })).toMatchObject({
      stop_reason: "stop_sequence",
      stop_sequence: "END",
    });
    expect(collected(optionsFor(), "x", { reason: "abort", stopReason: null })).not.toHaveProperty(
      "stop_reason",
    );
  });

  it("shows thinking, text and calls in this order", () => {
    const parser = scripted([], {
      reasoning: "hm",
      content: "ok",
      toolCalls: [
        { id: undefined, name: "w", arguments: '{"c": 1.0}' },
        { id: "t2", name: "v", arguments: "{}" },
      ],
    });
    expect(collected(optionsFor({}, parser), "text")).toMatchObject({
      content: [
        { type: "thinking", thinking: "hm", signature: "00000000000000000000000000000001" },
        { type: "text", text: "ok" },
        { type: "tool_use", id: "chatcmpl-tool-0000000000000002", name: "w", input: { c: 1 } },
        { type: "tool_use", id: "t2", name: "v", input: {} },
      ],
      stop_reason: "tool_use",
    });
  });

  it("refuses arguments that are no object in Python's words", () => {
    const broken = (args: string): OutputParser =>
      scripted([], { reasoning: null, content: null, toolCalls: [{ id: "t", name: "w", arguments: args }] });
    expect(() => collected(optionsFor({}, broken('{"a":\n b}')), "x")).toThrow(
      "Expecting value: line 2 column 2 (char 7)",
    );
    expect(() => collected(optionsFor({}, broken("[1]")), "x")).toThrow(
      "1 validation error for AnthropicContentBlock\ninput\n  Input should be a valid dictionary",
    );
  });
});

it("tells errors in Anthropic's shape, with paths masked", () => {
  expect(anthropicErrorBody(badRequestError("no /usr/lib/x"))).toBe(
    '{"type":"error","error":{"type":"BadRequestError","message":"no <path>"}}',
  );
});
