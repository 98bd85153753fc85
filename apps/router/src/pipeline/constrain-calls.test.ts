import { parseChatRequest, parseJson, writeJson, type ChatRequest, type JsonObject } from "@vllm-router/api";
import { REASONING_PARSERS, TOOL_PARSERS } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { NO_PARSERS, type ModelParsers } from "../models/model-parsers.ts";
import { constrainCalls } from "./constrain-calls.ts";

const TOOLS = `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"x":{"$ref":"#/$defs/n"}},"$defs":{"n":{"type":"integer"}}}}},
  {"type":"function","function":{"name":"g"}}]`;

function requestOf(fields: string): ChatRequest {
  return parseChatRequest(parseJson(`{"messages":[{"role":"user","content":"x"}]${fields}}`));
}

function parsersOf(tool: string | undefined, reasoning?: string): ModelParsers {
  const selection = {
    tool: tool === undefined ? undefined : TOOL_PARSERS.get(tool),
    reasoning: reasoning === undefined ? undefined : REASONING_PARSERS.get(reasoning),
    whole: undefined,
  };
  return { ...NO_PARSERS, selection, autoToolChoice: true };
}

/** What the engine is told to follow. */
function constraintOf(fields: string, parsers: ModelParsers): string | undefined {
  const { structuredOutputs } = constrainCalls(requestOf(fields), parsers);
  return structuredOutputs === null ? undefined : writeJson(new Map(structuredOutputs) as JsonObject);
}

describe("constrainCalls()", () => {
  it("leaves a request alone that nothing is looked for in", () => {
    const request = requestOf("");
    expect(constrainCalls(request, NO_PARSERS)).toBe(request);
    expect(constrainCalls(request, parsersOf("hermes"))).toBe(request);
    expect(constraintOf(TOOLS, parsersOf("hermes"))).toBeUndefined();
  });

  it("keeps special tokens in the text where parsers need them", () => {
    const keeps = (fields: string, parsers: ModelParsers): boolean =>
      !constrainCalls(requestOf(fields), parsers).skipSpecialTokens;
    expect(keeps("", parsersOf(undefined, "qwen3"))).toBe(true);
    expect(keeps("", parsersOf(undefined, "deepseek_r1"))).toBe(false);
    expect(keeps(TOOLS, parsersOf("hermes"))).toBe(true);
    expect(keeps(`${TOOLS},"tool_choice":"none"`, parsersOf("hermes", "deepseek_r1"))).toBe(false);
    expect(keeps(`${TOOLS},"tool_choice":"none"`, parsersOf("qwen3_coder"))).toBe(false);
  });

  it("holds forced calls to the family's form, and to one where only one is wanted", () => {
    const required = constraintOf(`${TOOLS},"tool_choice":"required"`, parsersOf("hermes"));
    expect(required).toContain("tags_with_separator");
    expect(required).toContain('\\"stop_after_first\\": false');
    const single = `${TOOLS},"parallel_tool_calls":false`;
    expect(constraintOf(single, parsersOf("hermes"))).toContain('\\"stop_after_first\\": true');
    const strict = { ...parsersOf("hermes"), strictLevel: "parameter" as const };
    expect(constraintOf(TOOLS, strict)).toContain("triggered_tags");
  });

  it("lets an answer follow the asked format or be a strict call", () => {
    const fields = `${TOOLS},"response_format":{"type":"json_object"}`;
    const strict = { ...parsersOf("hermes"), strictLevel: "function" as const };
    expect(constraintOf(fields, strict)).toContain('\\"type\\": \\"or\\"');
    expect(constrainCalls(requestOf(fields), strict).responseFormat).toBeNull();
    expect(constrainCalls(requestOf(fields), parsersOf("hermes")).responseFormat).not.toBeNull();
  });

  it("forces JSON where the family has no form of its own, definitions at its top", () => {
    expect(constraintOf(`${TOOLS},"tool_choice":"required"`, parsersOf("seed_oss"))).toBe(
      '{"json":{"type":"array","minItems":1,"items":{"type":"object","anyOf":[' +
        '{"properties":{"name":{"type":"string","enum":["f"]},"parameters":{"type":"object","properties":{"x":{"$ref":"#/$defs/n"}}}},"required":["name","parameters"]},' +
        '{"properties":{"name":{"type":"string","enum":["g"]},"parameters":{"type":"object","properties":{}}},"required":["name","parameters"]}]},' +
        '"$defs":{"n":{"type":"integer"}}}}',
    );
    const named = `${TOOLS},"tool_choice":{"type":"function","function":{"name":"g"}}`;
    expect(constraintOf(named, parsersOf("seed_oss"))).toBe('{"json":{"type":"object","properties":{}}}');
    expect(constraintOf(TOOLS, parsersOf("seed_oss"))).toBeUndefined();
  });

  it("refuses definitions that contradict each other", () => {
    const tool = (name: string, type: string): string =>
      `{"type":"function","function":{"name":"${name}","parameters":{"type":"object","$defs":{"n":{"type":"${type}"}}}}}`;
    const request = requestOf(
      `,"tools":[${tool("f", "integer")},${tool("g", "string")}],"tool_choice":"required"`,
    );
    expect(() => constrainCalls(request, parsersOf("seed_oss"))).toThrow(
      "Tool definition 'n' has multiple schemas, which is not supported.",
    );
  });
});
