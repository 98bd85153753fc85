import { describe, expect, it } from "vitest";
import { ApiError, badRequestError, internalError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { type ChatRequest, parseChatRequest } from "../request/chat-request.ts";
import type { ChoiceOutput, WriterSettings } from "../writer.ts";
import { createChatCollector } from "./chat-collector.ts";
import { createChatStreamWriter } from "./create-chat-writer.ts";

const SETTINGS: WriterSettings = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};
const IDENTITY = { id: "chatcmpl-1", created: 5, model: "m", systemFingerprint: "fp" };
const USAGE = { promptTokens: 3, cachedTokens: 2, kvTransferParams: undefined };
const PROMPT = { tokenIds: [1, 2, 3], text: "<p>", logprobs: undefined };
const HEAD = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":5,"model":"m","choices":[';

function request(fields: string, message = '{"role":"user","content":"hi"}'): ChatRequest {
  return parseChatRequest(parseJson(`{"messages":[${message}]${fields}}`));
}

function options(
  chat: ChatRequest,
  settings: Partial<WriterSettings> = {},
): Parameters<typeof createChatStreamWriter>[0] {
  return { request: chat, identity: IDENTITY, settings: { ...SETTINGS, ...settings }, promptCount: 1 };
}

function output(text: string, tokenCount = 1): ChoiceOutput {
  return { text, tokenIds: [7, 8, 9], tokenCount, logprobs: undefined };
}

/** The events of a stream, without `data: `. */
function events(stream: string): readonly string[] {
  return stream
    .split("\n\n")
    .slice(0, -1)
    .map((event) => event.replace(/^data: /, ""));
}

describe("createChatStreamWriter()", () => {
  it("tells all roles with the first output, whatever its choice", () => {
    const writer = createChatStreamWriter(options(request(',"n":2,"temperature":1')));
    writer.prompt(0, PROMPT);
    expect(events(writer.output(1, output("a"), undefined))).toEqual([
      `${HEAD}{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}`,
      `${HEAD}{"index":1,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}`,
      `${HEAD}{"index":1,"delta":{"content":"a"},"logprobs":null,"finish_reason":null,"token_ids":null}]}`,
    ]);
    expect(events(writer.output(0, output("b"), { reason: "stop", stopReason: null }))).toEqual([
      `${HEAD}{"index":0,"delta":{"content":"b"},"logprobs":null,"finish_reason":"stop","stop_reason":null,"token_ids":null}],"system_fingerprint":"fp"}`,
    ]);
    expect(writer.end(USAGE)).toBe("data: [DONE]\n\n");
  });

  it("leaves out outputs before the first token, and everything after the finish", () => {
    const writer = createChatStreamWriter(options(request("")));
    writer.prompt(0, PROMPT);
    expect(events(writer.output(0, output("", 0), undefined))).toHaveLength(1);
    expect(writer.output(0, output("", 0), undefined)).toBe("");
    expect(events(writer.output(0, output("", 1), undefined))).toHaveLength(1);
    expect(events(writer.output(0, output("", 0), undefined))).toHaveLength(1);
    expect(writer.output(0, output("x"), { reason: "length", stopReason: null })).toContain(
      '"finish_reason":"length"',
    );
    expect(writer.output(0, output("y"), undefined)).toBe("");
  });

  it("gives usage in every chunk and at the end when the server forces it", () => {
    const writer = createChatStreamWriter(
      options(request(""), { forceIncludeUsage: true, promptTokensDetails: true }),
    );
    writer.prompt(0, PROMPT);
    const [role, text] = events(writer.output(0, output("ab", 2), { reason: "stop", stopReason: 5 }));
    expect(role).toContain(
      '"usage":{"prompt_tokens":3,"total_tokens":3,"completion_tokens":0,"completion_tokens_details":null},"prompt_token_ids"',
    );
    expect(text).toContain(
      '"stop_reason":5,"token_ids":null}],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2,"completion_tokens_details":null}}',
    );
    expect(events(writer.end(USAGE))).toEqual([
      `${HEAD}],"usage":{"prompt_tokens":3,"total_tokens":5,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":2}},"system_fingerprint":"fp"}`,
      "[DONE]",
    ]);
  });

  it("returns ids and the prompt when asked", () => {
    const writer = createChatStreamWriter(
      options(request(',"return_token_ids":true,"return_prompt_text":true')),
    );
    writer.prompt(0, PROMPT);
    const [role, text] = events(writer.output(0, output("ab", 2), undefined));
    expect(role).toContain('"prompt_token_ids":[1,2,3],"prompt_text":"<p>"}');
    expect(text).toContain('"token_ids":[7,8]}]}');
  });

  it("answers in the role of a continued message, and echoes it", () => {
    const fields = ',"echo":true,"add_generation_prompt":false,"continue_final_message":true';
    const writer = createChatStreamWriter(
      options(request(fields, '{"role":"poet","content":"Roses \\"are\\""}')),
    );
    writer.prompt(0, PROMPT);
    const [role, echo] = events(writer.output(0, output("a"), undefined));
    expect(role).toContain('"delta":{"role":"poet","content":""}');
    expect(echo).toBe(
      `${HEAD}{"index":0,"delta":{"content":"Roses \\"are\\""},"logprobs":null,"finish_reason":null}]}`,
    );
  });

  it("reports a failure inside the stream", () => {
    const writer = createChatStreamWriter(options(request("")));
    writer.prompt(0, PROMPT);
    expect(writer.error(internalError())).toBe(
      'data: {"error": {"message": "Internal server error", "type": "InternalServerError", "param": null, "code": 500}}\n\ndata: [DONE]\n\n',
    );
  });
});

describe("createChatCollector()", () => {
  it("sums the choices up, with details and the connector's answer", () => {
    const writer = createChatCollector(
      options(request(',"n":2,"return_token_ids":true'), { promptTokensDetails: true }),
    );
    writer.prompt(0, PROMPT);
    expect(writer.output(1, output("a", 1), undefined)).toBe("");
    expect(writer.output(0, output("b", 2), { reason: "stop", stopReason: "x" })).toBe("");
    expect(writer.output(1, output("c", 3), { reason: "length", stopReason: null })).toBe("");
    const message = (text: string): string =>
      `"message":{"role":"assistant","content":"${text}","refusal":null,"annotations":null,"audio":null,"function_call":null,"reasoning":null}`;
    expect(writer.end({ ...USAGE, kvTransferParams: '{"a":1}' })).toBe(
      '{"id":"chatcmpl-1","object":"chat.completion","created":5,"model":"m","choices":[' +
        `{"index":0,${message("b")},"logprobs":null,"finish_reason":"stop","stop_reason":"x","token_ids":[7,8],"routed_experts":null},` +
        `{"index":1,${message("ac")},"logprobs":null,"finish_reason":"length","stop_reason":null,"token_ids":[7,7,8,9],"routed_experts":null}],` +
        '"service_tier":null,"system_fingerprint":"fp","usage":{"prompt_tokens":3,"total_tokens":9,"completion_tokens":6,' +
        '"prompt_tokens_details":{"cached_tokens":2,"created_cache_tokens":null,"multimodal_tokens":null},"completion_tokens_details":null},' +
        '"prompt_logprobs":null,"prompt_token_ids":[1,2,3],"prompt_text":null,"kv_transfer_params":{"a":1},"ec_transfer_params":null,"metrics":null}',
    );
  });

  it("shows ranks of prompt logprobs, the prompt's own token first", () => {
    const own = { tokenId: 5, token: "a", logprob: -Infinity };
    const better = { tokenId: 6, token: "b", logprob: -0.5 };
    const worse = { tokenId: 7, token: "c", logprob: -2 };
    const shown = (rank: number | null): string => {
      const writer = createChatCollector(options(request(',"prompt_logprobs":3')));
      writer.prompt(0, { ...PROMPT, logprobs: [null, { ...own, rank, top: [own, better, worse] }] });
      return writer.end(USAGE);
    };
    const entry = (id: number, values: string): string => `"${id}":{"logprob":${values}}`;
    expect(shown(2)).toContain(
      `"prompt_logprobs":[null,{${entry(5, '-9999.0,"rank":2,"decoded_token":"a"')},` +
        `${entry(6, '-0.5,"rank":1,"decoded_token":"b"')},${entry(7, '-2.0,"rank":3,"decoded_token":"c"')}}]`,
    );
    expect(shown(null)).toContain('"rank":null,"decoded_token":"a"},"6":{"logprob":-0.5,"rank":1,');
  });

  it("throws failures", () => {
    const failure = badRequestError("no");
    expect(() => createChatCollector(options(request(""))).error(failure)).toThrow(ApiError);
  });
});
