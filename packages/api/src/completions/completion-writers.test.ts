import { describe, expect, it } from "vitest";
import { internalError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { type CompletionRequest, parseCompletionRequest } from "../request/completion-request.ts";
import type { ChoiceOutput, PromptInfo } from "../writer.ts";
import { createCompletionCollector } from "./completion-collector.ts";
import { createCompletionStreamWriter } from "./completion-stream-writer.ts";

const SETTINGS = {
  responseRole: "assistant",
  promptTokensDetails: false,
  forceIncludeUsage: false,
  returnTokensAsTokenIds: false,
};
const IDENTITY = { id: "cmpl-1", created: 5, model: "m", systemFingerprint: null };
const USAGE = { promptTokens: 2, cachedTokens: undefined, kvTransferParams: undefined };

function request(fields: string): CompletionRequest {
  return parseCompletionRequest(parseJson(`{"prompt":"Hi 😀"${fields}}`));
}

function options(
  completion: CompletionRequest,
  promptCount = 1,
): Parameters<typeof createCompletionStreamWriter>[0] {
  return { request: completion, identity: IDENTITY, settings: SETTINGS, promptCount };
}

function prompt(): PromptInfo {
  const second = { tokenId: 2, token: " 😀", logprob: -0.5 };
  return {
    tokenIds: [1, 2],
    text: "Hi 😀",
    firstTokenText: "Hi",
    logprobs: [null, { ...second, rank: 1, top: [second] }],
  };
}

function output(text: string, tokenId: number): ChoiceOutput {
  const token = { tokenId, token: text, logprob: -1 };
  const other = { tokenId: 50, token: "x", logprob: -3 };
  return { text, tokenIds: [tokenId], tokenCount: 1, logprobs: [{ ...token, top: [token, other] }] };
}

describe("createCompletionStreamWriter()", () => {
  it("echoes prompt, ids and logprobs in the first chunk, and counts offsets in characters", () => {
    const writer = createCompletionStreamWriter(options(request(',"echo":true,"logprobs":1,"stream":true')));
    writer.prompt(0, prompt());
    expect(writer.output(0, output("a", 3), undefined)).toBe(
      'data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"index":0,"text":"Hi 😀a",' +
        '"logprobs":{"text_offset":[0,2,4],"token_logprobs":[null,-0.5,-1.0],"tokens":["Hi"," 😀","a"],' +
        '"top_logprobs":[null,{" 😀":-0.5},{"a":-1.0,"x":-3.0}]},"finish_reason":null,"stop_reason":null,' +
        '"prompt_token_ids":[1,2],"token_ids":null}]}\n\n',
    );
    expect(writer.output(0, output("b", 4), undefined)).toContain('"text_offset":[5]');
  });

  it("gives the prompt alone where no tokens are wanted", () => {
    const writer = createCompletionStreamWriter(
      options(request(',"echo":true,"max_tokens":0,"return_token_ids":true')),
    );
    writer.prompt(0, prompt());
    const chunk = writer.output(0, output("a", 3), { reason: "length", stopReason: null });
    expect(chunk).toContain(
      '"text":"","logprobs":null,"finish_reason":"length","stop_reason":null,"prompt_token_ids":[1,2],"token_ids":[3]',
    );
  });

  it("numbers choices prompt by prompt and tells each its own prompt", () => {
    const writer = createCompletionStreamWriter(options(request(',"n":2,"return_token_ids":true'), 2));
    writer.prompt(0, { ...prompt(), tokenIds: [1] });
    writer.prompt(1, { ...prompt(), tokenIds: [2, 2] });
    expect(writer.output(3, output("a", 3), undefined)).toContain('"index":3,"text":"a"');
    expect(writer.output(2, output("a", 3), undefined)).toContain('"prompt_token_ids":[2,2]');
    expect(writer.output(1, output("a", 3), undefined)).toContain('"prompt_token_ids":[1]');
    expect(writer.output(1, output("a", 3), undefined)).toContain('"prompt_token_ids":null');
  });

  it("leaves the fingerprint out where there is none, and ends with usage when asked", () => {
    const writer = createCompletionStreamWriter(
      options(
        request(',"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}'),
      ),
    );
    writer.prompt(0, prompt());
    expect(writer.output(0, output("a", 3), { reason: "stop", stopReason: null })).toContain(
      '"token_ids":null}],"usage":{"prompt_tokens":2,"total_tokens":3,"completion_tokens":1}}\n\n',
    );
    expect(writer.end(USAGE)).toBe(
      'data: {"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[],' +
        '"usage":{"prompt_tokens":2,"total_tokens":3,"completion_tokens":1}}\n\ndata: [DONE]\n\n',
    );
  });

  it("leaves out outputs before the first token", () => {
    const nothing = { text: "", tokenIds: [], tokenCount: 0, logprobs: undefined };
    for (const fields of ["", ',"return_token_ids":true']) {
      const writer = createCompletionStreamWriter(options(request(fields)));
      writer.prompt(0, prompt());
      expect(writer.output(0, nothing, undefined)).toBe("");
      expect(writer.output(0, output("", 3), undefined)).not.toBe("");
      expect(writer.output(0, nothing, undefined)).not.toBe("");
    }
  });

  it("reports a failure inside the stream", () => {
    expect(createCompletionStreamWriter(options(request(""))).error(internalError())).toContain(
      '"code": 500}}\n\ndata: [DONE]',
    );
  });
});

describe("createCompletionCollector()", () => {
  it("gives every choice its prompt, and the prompt its logprobs", () => {
    const writer = createCompletionCollector(
      options(request(',"echo":true,"logprobs":0,"return_token_ids":true')),
    );
    writer.prompt(0, prompt());
    writer.output(0, output("a", 3), undefined);
    writer.output(0, output("b", 4), { reason: "stop", stopReason: 4 });
    expect(writer.end(USAGE)).toBe(
      '{"id":"cmpl-1","object":"text_completion","created":5,"model":"m","choices":[{"index":0,"text":"ab",' +
        '"logprobs":{"text_offset":[0,2,4,5],"token_logprobs":[null,-0.5,-1.0,-1.0],"tokens":["Hi"," 😀","a","b"],' +
        '"top_logprobs":[null,{" 😀":-0.5},{"a":-1.0},{"b":-1.0}]},"finish_reason":"stop","stop_reason":4,"token_ids":[3,4],' +
        '"prompt_logprobs":[null,{"2":{"logprob":-0.5,"rank":1,"decoded_token":" 😀"}}],"prompt_token_ids":[1,2],' +
        '"routed_experts":null}],"service_tier":null,"system_fingerprint":null,"usage":{"prompt_tokens":2,"total_tokens":4,' +
        '"completion_tokens":2,"prompt_tokens_details":null,"completion_tokens_details":null},"kv_transfer_params":null,' +
        '"ec_transfer_params":null,"metrics":null}',
    );
  });
});
