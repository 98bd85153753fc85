import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError } from "../api-error.ts";
import { JsonFloat, type JsonObject } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { parseResponsesRequest } from "./responses-request.ts";
import { responsesToChat } from "./responses-to-chat.ts";

/** Maps as objects, so that order does not count. */
function plain(value: unknown): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (value instanceof Map) {
    return Object.fromEntries([...(value as JsonObject)].map(([name, member]) => [name, plain(member)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function outcome(row: JsonObject): unknown {
  const history = row.get("history") as readonly JsonObject[] | null;
  try {
    const request = parseResponsesRequest(row.get("body") as JsonObject);
    const chat = responsesToChat(request, history === null ? undefined : { messages: history, answers: [] });
    return {
      messages: plain(chat.messages),
      continues: chat.continueFinalMessage,
      tools: plain(chat.tools),
    };
  } catch (error) {
    if (error instanceof ApiError) return [error.status, error.type, error.message];
    throw error;
  }
}

function expected(row: JsonObject): unknown {
  const error = row.get("error");
  if (error !== undefined) return error;
  return Object.fromEntries(["messages", "continues", "tools"].map((name) => [name, plain(row.get(name))]));
}

describe("messages and tools that vLLM makes of a request", () => {
  for (const row of readFixture("responses-conversion.jsonl")) {
    it(`${row.get("history") === null ? "" : "after others: "}${writeJson(row.get("body") ?? null)}`, () => {
      expect(outcome(row)).toEqual(expected(row));
    });
  }
});

describe("sampling", () => {
  const chat = (more: Readonly<Record<string, unknown>>): ReturnType<typeof responsesToChat> =>
    responsesToChat(parseResponsesRequest(parseJson(JSON.stringify({ input: "x", ...more }))), undefined);

  it("takes a constraint from the text's format, and no second one", () => {
    const format = { type: "json_schema", name: "n", schema: { type: "object" } };
    expect(plain(chat({ text: { format } }).responseFormat)).toEqual({
      type: "json_schema",
      json_schema: { name: "n", description: null, schema: { type: "object" }, strict: null },
    });
    expect(plain(chat({ text: { format: { type: "json_object" } } }).responseFormat)).toEqual({
      type: "json_object",
    });
    expect(() => chat({ text: { format }, structured_outputs: { regex: "a" } })).toThrow(
      "Cannot specify both structured_outputs and text.format",
    );
    expect(chat({ structured_outputs: { regex: "a" } }).structuredOutputs?.get("regex")).toBe("a");
  });

  it("truncates and shows logprobs only where asked to", () => {
    expect(chat({}).truncatePromptTokens).toBeNull();
    expect(chat({ truncation: "auto" }).truncatePromptTokens).toBe(-1);
    expect(chat({ top_logprobs: 2 }).logprobs).toBe(false);
    expect(chat({ include: ["message.output_text.logprobs"], top_logprobs: 2 })).toMatchObject({
      logprobs: true,
      topLogprobs: 2,
    });
  });

  it("names a function as chat requests do", () => {
    const tools = [{ type: "function", name: "w" }];
    expect(plain(chat({ tools, tool_choice: { type: "function", name: "w" } }).toolChoice)).toEqual({
      function: { name: "w" },
      type: "function",
    });
    expect(chat({ tools, tool_choice: "required" }).toolChoice).toBe("required");
    expect(chat({}).toolChoice).toBe("none");
  });
});
