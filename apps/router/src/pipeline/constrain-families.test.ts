import { describe, expect, it } from "vitest";
import { parseChatRequest, parseJson, type ChatRequest, type JsonValue } from "@vllm-router/api";
import { createHarmonyParser, TOOL_PARSERS } from "@vllm-router/text";
import { NO_PARSERS, type ModelParsers } from "../models/model-parsers.ts";
import { constrainCalls } from "./constrain-calls.ts";

const TOOL = {
  type: "function",
  function: { name: "add", parameters: { type: "object", properties: { a: { type: "integer" } } } },
};

function request(fields: object): ChatRequest {
  const body = { messages: [{ role: "user", content: "x" }], ...fields };
  return parseChatRequest(parseJson(JSON.stringify(body)));
}

function parsersOf(tool: string, harmony = false): ModelParsers {
  const whole = harmony ? createHarmonyParser : undefined;
  return { ...NO_PARSERS, harmony, selection: { tool: TOOL_PARSERS.get(tool), reasoning: undefined, whole } };
}

/** JSON values as JavaScript has them. */
function plain(value: JsonValue | undefined): unknown {
  if (value instanceof Map) {
    return Object.fromEntries([...value].map(([key, item]) => [key as string, plain(item as JsonValue)]));
  }
  return Array.isArray(value) ? value.map((item) => plain(item as JsonValue)) : value;
}

describe("constrainCalls() for single families", () => {
  it("lets gpt-oss think before an answer that is held to a format", () => {
    const asked = request({ response_format: { type: "json_object" } });
    const held = constrainCalls(asked, parsersOf("openai", true));
    const tag = JSON.parse(held.structuredOutputs?.get("structural_tag") as string) as {
      format: { elements: { type: string; elements?: { begin: string }[] }[] };
    };
    expect(held.responseFormat).toBeNull();
    expect(tag.format.elements.map((element) => element.type)).toEqual(["optional", "or"]);
    expect(tag.format.elements[1]?.elements?.map((element) => element.begin)).toEqual([
      "<|channel|>final json<|message|>",
      "<|channel|>final <|constrain|>json<|message|>",
    ]);
  });

  it("leaves gpt-oss alone where nothing is asked for", () => {
    const asked = request({});
    expect(constrainCalls(asked, parsersOf("openai", true))).toBe(asked);
  });

  it.each([
    ["required", {}],
    [{ type: "function", function: { name: "add" } }, { maxItems: 1 }],
  ])("holds forced calls of Mistral to its list (%j)", (choice, limit) => {
    const asked = request({ tools: [TOOL], tool_choice: choice });
    const held = constrainCalls(asked, parsersOf("mistral"));
    const call = {
      type: "object",
      properties: { name: { type: "string", enum: ["add"] }, arguments: TOOL.function.parameters },
      required: ["name", "arguments"],
    };
    expect(held.skipSpecialTokens).toBe(false);
    expect(plain(held.structuredOutputs?.get("json"))).toEqual({
      type: "array",
      minItems: 1,
      ...limit,
      items: { type: "object", anyOf: [call] },
    });
  });

  it("prefers the request's own constraint to Mistral's list", () => {
    const asked = request({ tools: [TOOL], tool_choice: "required", structured_outputs: { regex: "a+" } });
    const held = constrainCalls(asked, parsersOf("mistral"));
    expect(plain(held.structuredOutputs?.get("regex"))).toBe("a+");
    expect(held.structuredOutputs?.get("json") ?? null).toBeNull();
  });
});
