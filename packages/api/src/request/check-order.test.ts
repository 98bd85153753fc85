import { describe, expect, it } from "vitest";
import { ApiError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseChatRequest } from "./chat-request.ts";
import { parseCompletionRequest } from "./completion-request.ts";
import { parseTokenizeRequest } from "./tokenize-request.ts";

/** A mistake as members of a body, and words of its refusal. */
type Mistake = readonly [string, string];

const chatMistakes: readonly Mistake[] = [
  ['"messages":5', "'int' object is not iterable"],
  ['"continue_final_message":true,"add_generation_prompt":true', "Cannot set both"],
  ['"tools":[]', "must not be an empty array"],
  ['"structured_outputs":{"json":{},"regex":"a"}', "('json', 'regex' or 'choice')"],
  ['"top_logprobs":"x"', "`top_logprobs` must be an integer"],
  ['"stream_options":{"include_usage":true}', "Stream options can only be defined"],
  ['"response_format":{"type":"json_schema"}', "'json_schema' field must be provided"],
  ['"cache_salt":""', "must be a non-empty string"],
  ['"thinking_token_budget":-2', "must be a non-negative integer or -1"],
  ['"repetition_detection":{"max_pattern_size":-1}', "max_pattern_size, min_pattern_size must be >=0"],
  ['"n":"x"', "'loc': 'body.n'"],
];

const completionMistakes: readonly Mistake[] = [
  ['"prompt":""', "Either prompt or prompt_embeds"],
  ['"stream_options":{"include_usage":true}', "Stream options can only be defined"],
  ['"logprobs":"x"', "`logprobs` must be an integer"],
  ['"structured_outputs":{"json":{},"regex":"a"}', "('json', 'regex' or 'choice')"],
  ['"response_format":{"type":"json_schema"}', "'json_schema' field must be provided"],
  ['"cache_salt":""', "must be a non-empty string"],
  ['"repetition_detection":{"max_pattern_size":-1}', "max_pattern_size, min_pattern_size must be >=0"],
  ['"thinking_token_budget":-2', "must be a non-negative integer or -1"],
  ['"echo":"x"', "'loc': 'body.echo'"],
];

function refusal(
  parse: typeof parseChatRequest | typeof parseCompletionRequest,
  members: readonly string[],
): string {
  try {
    parse(parseJson(`{${members.join(",")}}`));
  } catch (error) {
    if (error instanceof ApiError) return error.message;
    throw error;
  }
  return "";
}

const suites = {
  chat: { parse: parseChatRequest, mistakes: chatMistakes, rest: '"messages":[]' },
  completions: { parse: parseCompletionRequest, mistakes: completionMistakes, rest: '"prompt":"a"' },
};

describe("of two mistakes the one vLLM looks for first is answered", () => {
  for (const [name, { parse, mistakes, rest }] of Object.entries(suites)) {
    mistakes.slice(1).forEach(([second], index) => {
      const [first, words] = mistakes[index] as Mistake;
      it(`${name}: ${first} before ${second}`, () => {
        for (const members of [
          [rest, first, second],
          [rest, second, first],
        ]) {
          expect(refusal(parse, members)).toContain(words);
        }
      });
    });
  }
});

describe("tool calls that cannot be read", () => {
  const body = '{"messages":[{"role":"assistant","content":"x","tool_calls":[{"type":"function"}]}]}';

  it("are refused at once in a chat", () => {
    expect(() => parseChatRequest(parseJson(body))).toThrow(
      "body.0.ChatCompletionMessageFunctionToolCallParam.id",
    );
  });

  it("are refused while rendering in a tokenize request", () => {
    const request = parseTokenizeRequest(parseJson(body));
    expect(request.kind === "chat" ? request.lateError?.message : "").toContain(
      "5 validation errors for ValidatorIterator\n0.ChatCompletionMessageFunctionToolCallParam.id\n  Field required",
    );
  });
});
