import type { OutputDelta, OutputParser, ParsedOutput } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { parseJson } from "../json/parse-json.ts";
import { parseChatRequest, type ChatRequest } from "../request/chat-request.ts";
import type { ResponseOptions } from "../response/response-options.ts";
import type { ChoiceOutput, ResponseUsage } from "../writer.ts";
import { createChatCollector } from "./chat-collector.ts";
import { createChatStreamWriter } from "./create-chat-writer.ts";

const TOOLS = ',"tools":[{"type":"function","function":{"name":"f"}}]';
const USAGE: ResponseUsage = { promptTokens: 3, cachedTokens: undefined, kvTransferParams: undefined };

/** A parser that says what it is told to. */
function scripted(
  deltas: readonly (Partial<OutputDelta> | undefined)[],
  parsed: Partial<ParsedOutput> = {},
  reasoningTokens?: number,
): OutputParser {
  let next = 0;
  return {
    promptEndsReasoning: undefined,
    push: () => {
      const delta = deltas[next++];
      const nothing: OutputDelta = { content: undefined, reasoning: undefined, toolCalls: undefined };
      return delta === undefined ? undefined : { ...nothing, ...delta };
    },
    parse: () => ({ reasoning: null, content: null, toolCalls: null, ...parsed }),
    reasoningTokens: () => reasoningTokens,
  };
}

function optionsOf(fields: string, parser: OutputParser): ResponseOptions<ChatRequest> {
  const body = parseJson(`{"messages":[{"role":"user","content":"x"}]${fields}}`);
  return {
    request: parseChatRequest(body),
    identity: { id: "i", created: 5, model: "m", systemFingerprint: null },
    settings: {
      responseRole: "assistant",
      promptTokensDetails: false,
      forceIncludeUsage: false,
      returnTokensAsTokenIds: false,
    },
    promptCount: 1,
    parserOf: () => parser,
    toolCallId: () => "chatcmpl-tool-made",
  };
}

function output(text: string): ChoiceOutput {
  const logprobs = [{ tokenId: 7, token: "t", logprob: -1, top: [] }];
  return { text, tokenIds: [7], tokenCount: 1, logprobs };
}

/** The chunks behind the role chunk, without what every chunk repeats. */
function chunksOf(
  fields: string,
  parser: OutputParser,
  { outputs, reason = "stop" }: { readonly outputs: number; readonly reason?: string },
): readonly unknown[] {
  const writer = createChatStreamWriter(optionsOf(fields, parser));
  writer.prompt(0, { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined });
  let text = "";
  for (let at = 0; at < outputs; at++) {
    const finish = at === outputs - 1 ? { reason, stopReason: null } : undefined;
    text += writer.output(0, output("text"), finish);
  }
  text += writer.end(USAGE);
  const events = text.split("\n\n").filter((event) => event.startsWith("data: {"));
  return events.slice(1).map((event) => {
    const { choices, usage } = JSON.parse(event.slice(6)) as {
      readonly choices: readonly Record<string, unknown>[];
      readonly usage?: unknown;
    };
    const [choice] = choices;
    if (choice === undefined) return { usage };
    const { index: _index, ...rest } = choice;
    return usage === undefined ? rest : { ...rest, usage };
  });
}

const PLAIN = { logprobs: null, finish_reason: null, token_ids: null };
const CALL = { index: 0, id: "a", name: "f", arguments: undefined };
const PIECE = { index: 0, id: undefined, name: undefined, arguments: "{}" };
const CALL_JSON = { id: "a", type: "function", index: 0, function: { name: "f" } };

describe("createChatStreamWriter() with a parser", () => {
  it("writes what the parser says, keys it leaves out left out, and nothing where it says nothing", () => {
    const parser = scripted([
      { reasoning: "hm" },
      undefined,
      { content: null, toolCalls: [CALL] },
      { toolCalls: [PIECE, { ...PIECE, index: 1, id: null, name: null }] },
      undefined,
    ]);
    expect(chunksOf(TOOLS, parser, { outputs: 5 })).toEqual([
      { ...PLAIN, delta: { reasoning: "hm" } },
      { ...PLAIN, delta: { content: null, tool_calls: [CALL_JSON] } },
      {
        ...PLAIN,
        delta: {
          tool_calls: [
            { index: 0, function: { arguments: "{}" } },
            { id: null, index: 1, function: { name: null, arguments: "{}" } },
          ],
        },
      },
      { ...PLAIN, delta: {}, finish_reason: "tool_calls", stop_reason: null },
    ]);
  });

  it("keeps the engine's reason where a call was cut off, was named, or there was none", () => {
    const reasonOf = (fields: string, delta: Partial<OutputDelta>, reason: string): unknown =>
      (chunksOf(fields, scripted([delta]), { outputs: 1, reason })[0] as { finish_reason: unknown })
        .finish_reason;
    const named = `${TOOLS},"tool_choice":{"type":"function","function":{"name":"f"}}`;
    expect(reasonOf(TOOLS, { toolCalls: [CALL] }, "stop")).toBe("tool_calls");
    expect(reasonOf(TOOLS, { toolCalls: [CALL] }, "length")).toBe("length");
    expect(reasonOf(named, { toolCalls: [CALL] }, "stop")).toBe("stop");
    expect(reasonOf(TOOLS, { content: "x", toolCalls: [] }, "stop")).toBe("stop");
  });

  it("sends a chunk without words where logprobs or token ids are asked for", () => {
    const [first] = chunksOf(`${TOOLS},"return_token_ids":true`, scripted([undefined, undefined]), {
      outputs: 2,
    });
    expect(first).toEqual({ ...PLAIN, delta: {}, token_ids: [7] });
    expect(
      chunksOf(`${TOOLS},"logprobs":true`, scripted([undefined, undefined]), { outputs: 2 }),
    ).toHaveLength(2);
  });

  it("shows neither logprobs nor ids where reasoning is hidden", () => {
    const fields = `${TOOLS},"logprobs":true,"return_token_ids":true,"include_reasoning":false`;
    const parser = scripted([undefined, { content: "a", reasoning: null }]);
    expect(chunksOf(fields, parser, { outputs: 2 })).toEqual([
      { ...PLAIN, delta: { content: "a", reasoning: null }, finish_reason: "stop", stop_reason: null },
    ]);
  });

  it("lets only the first call pass where parallel calls are off", () => {
    const second = { ...CALL, index: 1, id: "b" };
    const fields = `${TOOLS},"parallel_tool_calls":false`;
    expect(
      chunksOf(fields, scripted([{ toolCalls: [CALL, second] }, { toolCalls: [second] }]), { outputs: 2 }),
    ).toEqual([
      { ...PLAIN, delta: { tool_calls: [CALL_JSON] } },
      { ...PLAIN, delta: {}, finish_reason: "tool_calls", stop_reason: null },
    ]);
  });

  it("counts reasoning tokens in every kind of usage", () => {
    const details = { completion_tokens_details: { reasoning_tokens: 4 } };
    const counts = { prompt_tokens: 3, total_tokens: 4, completion_tokens: 1 };
    const fields = ',"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}';
    expect(chunksOf(fields, scripted([{ content: "a" }], {}, 4), { outputs: 1 })).toEqual([
      expect.objectContaining({ usage: { ...counts, ...details } }),
      { usage: { ...counts, ...details } },
    ]);
  });
});

describe("createChatCollector() with a parser", () => {
  const bodyOf = (
    fields: string,
    parsed: Partial<ParsedOutput>,
    reason = "stop",
  ): Record<string, unknown> => {
    const writer = createChatCollector(optionsOf(fields, scripted([], parsed, 2)));
    writer.prompt(0, { tokenIds: [1, 2, 3], text: undefined, logprobs: undefined });
    writer.output(0, output("text"), { reason, stopReason: null });
    return JSON.parse(writer.end(USAGE)) as Record<string, unknown>;
  };
  const choiceOf = (fields: string, parsed: Partial<ParsedOutput>, reason?: string): unknown =>
    (bodyOf(fields, parsed, reason)["choices"] as readonly unknown[])[0];

  it("shows reasoning, calls and null content, with ids made up where the parser gives none", () => {
    const calls = [
      { id: "a", name: "f", arguments: "{}" },
      { id: undefined, name: "g", arguments: "1" },
    ];
    expect(choiceOf(TOOLS, { reasoning: "hm", toolCalls: calls })).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        content: null,
        reasoning: "hm",
        tool_calls: [
          { id: "a", type: "function", function: { name: "f", arguments: "{}" } },
          { id: "chatcmpl-tool-made", type: "function", function: { name: "g", arguments: "1" } },
        ],
      },
    });
    expect(choiceOf(`${TOOLS},"parallel_tool_calls":false`, { toolCalls: calls })).toMatchObject({
      message: { tool_calls: [{ id: "a" }] },
    });
    expect(bodyOf(TOOLS, {})["usage"]).toMatchObject({ completion_tokens_details: { reasoning_tokens: 2 } });
  });

  it("has no null content behind a forced call, and no key of calls without one", () => {
    const forced = choiceOf(`${TOOLS},"tool_choice":"required"`, { toolCalls: [] }, "length");
    expect(forced).toMatchObject({ finish_reason: "length", message: { content: "" } });
    expect(forced).not.toHaveProperty("message.tool_calls");
  });

  it("shows neither logprobs nor ids where reasoning is hidden", () => {
    const fields = ',"logprobs":true,"return_token_ids":true,"include_reasoning":false';
    expect(choiceOf(fields, { content: "a" })).toMatchObject({ logprobs: null, token_ids: null });
  });
});

describe("chunks of one piece of text", () => {
  const pieces = [
    "plain",
    "",
    'a "quote"',
    "back\\slash",
    "line\nbreak",
    "é",
    "日本",
    "😀",
    "\u007f",
    "x".repeat(40),
  ];

  it.each(["content", "reasoning"] as const)(
    "are written as all others and known to be ASCII only where they are: %s",
    (member) => {
      const parser = scripted([{ [member]: "first" }, ...pieces.map((text) => ({ [member]: text }))]);
      const writer = createChatStreamWriter(optionsOf("", parser));
      writer.output(0, output("text"), undefined);
      expect(writer.isAscii).toBe(false);
      for (const text of pieces) {
        const chunk = writer.output(0, output("text"), undefined);
        const head =
          'data: {"id":"i","object":"chat.completion.chunk","created":5,"model":"m","choices":[{"index":0,"delta":{';
        expect(chunk).toBe(
          `${head}"${member}":${JSON.stringify(text)}},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n`,
        );
        expect(writer.isAscii).toBe(/^[a-z]*$/.test(text));
      }
      writer.output(0, output("text"), { reason: "stop", stopReason: null });
      expect(writer.isAscii).toBe(false);
    },
  );
});
