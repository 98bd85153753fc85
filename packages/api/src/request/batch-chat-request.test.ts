import { describe, expect, it } from "vitest";
import type { JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { parseBatchChatRequest } from "./batch-chat-request.ts";

const parse = (rest: Readonly<Record<string, unknown>>): unknown =>
  parseBatchChatRequest(
    parseJson(JSON.stringify({ messages: [[{ role: "user", content: "Say hi." }]], ...rest })),
  );

describe("parseBatchChatRequest()", () => {
  it("tells each conversation what a batch has by default, which is checked first", () => {
    expect(() => parse({ continue_final_message: true, top_logprobs: 2 })).toThrow(
      "Cannot set both `continue_final_message` and `add_generation_prompt` to True.",
    );
    expect(() => parse({ top_logprobs: 2 })).toThrow("when using `top_logprobs`");
  });

  it("takes every field of a chat, but neither streams nor shows tools", () => {
    const tools = [{ type: "function", function: { name: "f" } }];
    const { conversations } = parse({ min_tokens: 3, ignore_eos: true, stream: true, tools }) as ReturnType<
      typeof parseBatchChatRequest
    >;
    expect(conversations[0]).toMatchObject({ minTokens: 3, ignoreEos: true, stream: false, tools: null });
    expect(() => parse({ min_tokens: "x" })).toThrow("min_tokens");
    expect(() => parse({ stream_options: { include_usage: true } })).toThrow(
      "Stream options can only be defined when `stream=True`.",
    );
    expect(() => parse({ stream: true, stream_options: { include_usage: true } })).not.toThrow();
  });

  it("tells of a response format as vLLM, which makes a request of each conversation by itself", () => {
    const line = (name: string): string =>
      "response_format.function-wrap[__log_extra_fields__()]\n" +
      `  Input should be a valid dictionary or instance of ${name} [type=model_type, input_value=3, input_type=int]\n` +
      "    For further information visit https://errors.pydantic.dev/2.14/v/model_type";
    const names = ["ResponseFormat", "StructuralTagResponseFormat", "LegacyStructuralTagResponseFormat"];
    expect(() => parse({ response_format: 3 })).toThrow(
      expect.objectContaining({
        status: 400,
        type: "BadRequestError",
        param: null,
        message: `3 validation errors for ChatCompletionRequest\n${names.map(line).join("\n")}`,
      }),
    );
  });

  it.each<[unknown, unknown]>([
    [["a"], []],
    [[{ type: "nothing" }, null], []],
    [[{ type: "text", text: "hi" }, 3], []],
    [{ a: 1 }, []],
    ["hi", "hi"],
    [
      [{ type: "text", text: "hi" }, "a"],
      [{ type: "text", text: "hi" }, "a"],
    ],
  ])("reads messages twice, which leaves nothing of a content that is none: %j", (content, left) => {
    const body = (value: unknown): JsonValue => parseJson(JSON.stringify({ role: "user", content: value }));
    const { conversations } = parseBatchChatRequest(
      new Map<string, JsonValue>([["messages", [[body(content)]]]]),
    );
    expect(conversations[0]).toMatchObject({ messages: [body(left)], lateError: undefined });
  });

  it("says of its own fields what FastAPI says", () => {
    expect(() => parse({ seed: "x" })).toThrow(
      expect.objectContaining({ type: "Bad Request", param: "body.seed" }),
    );
  });
});
