import { describe, expect, it } from "vitest";
import { readFixture } from "../__fixtures__/read-fixture.ts";
import { ApiError } from "../api-error.ts";
import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { writeJson } from "../json/write-json.ts";
import { parseCountTokensRequest, parseMessagesRequest } from "./messages-request.ts";
import { messagesToChat } from "./messages-to-chat.ts";

/** Defaults of vLLM's class that the fixture leaves out. */
const DEFAULTS: Readonly<Record<string, JsonValue>> = {
  stop: [],
  tool_choice: "none",
  parallel_tool_calls: true,
  stream: false,
};

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Without what says nothing: nulls, and the one type of tool there is. */
function plain(value: unknown): unknown {
  if (value instanceof JsonFloat) return value.value;
  if (value instanceof Map) {
    const members = [...(value as JsonObject)].filter(
      ([name, member]) => member !== null && !(name === "type" && member === "function"),
    );
    return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
  }
  return Array.isArray(value) ? value.map(plain) : value;
}

function outcome(row: JsonObject): unknown {
  const body = row.get("body") as JsonObject;
  const isCount = row.get("kind") === "count";
  try {
    return messagesToChat(isCount ? parseCountTokensRequest(body) : parseMessagesRequest(body), {
      mergeInlineSystem: row.get("merge") as boolean,
      disabledThinkingEffort: "low",
      nowSeconds: 0,
    });
  } catch (error) {
    if (error instanceof ApiError) return [error.status, error.type, error.message];
    throw error;
  }
}

const ALWAYS = [...Object.keys(DEFAULTS), "tools", "response_format"];

/** The members that are compared: those of the fixture, and some that it may leave out. */
function compared(row: JsonObject): readonly string[] {
  const chat = row.get("chat") as JsonObject | undefined;
  return chat === undefined ? [] : [...new Set([...chat.keys(), ...ALWAYS])];
}

function expected(row: JsonObject): unknown {
  const chat = row.get("chat") as JsonObject | undefined;
  if (chat === undefined) return row.get("error");
  const members = compared(row).map((name) => [name, plain(chat.get(name) ?? defaultOf(name, chat))]);
  return Object.fromEntries(members);
}

/** A member that is there is null on purpose. */
function defaultOf(name: string, chat: JsonObject): JsonValue {
  return chat.has(name) ? null : (DEFAULTS[name] ?? null);
}

function comparable(result: unknown, row: JsonObject): unknown {
  if (Array.isArray(result)) return result;
  const chat = result as Readonly<Record<string, unknown>>;
  return Object.fromEntries(compared(row).map((name) => [name, plain(chat[camelCase(name)])]));
}

describe("chat requests that vLLM makes of messages", () => {
  for (const row of readFixture("messages-conversion.jsonl")) {
    it(`${row.get("merge") === true ? "merged" : "in place"}: ${writeJson(row.get("body") ?? null)}`, () => {
      expect(comparable(outcome(row), row)).toEqual(expected(row));
    });
  }
});
