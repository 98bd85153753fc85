import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { isJsonArray } from "../json/json-value.ts";
import { pythonRepr } from "../json/python-text.ts";
import { validationError } from "../api-error.ts";
import { flatText, type HarmonyEntry, partTexts, toolEntry } from "./harmony-input.ts";

/**
 * `previous_input_messages` as messages of Harmony: as chats have them, or as Harmony itself writes them. Instructions are
 * left out, they are those of the present request.
 * @throws {@link ApiError} for a message without a role
 */
export function harmonyPreviousInput(messages: readonly JsonObject[]): readonly HarmonyEntry[] {
  return messages.flatMap((message) => {
    const author = message.get("author");
    return author instanceof Map ? harmonyMessage(message, author as JsonObject) : chatMessage(message);
  });
}

function harmonyMessage(message: JsonObject, author: JsonObject): readonly HarmonyEntry[] {
  const role = author.get("role") as string;
  if (role === "system" || role === "developer") return [];
  const name = optionalText(author.get("name"));
  return [
    {
      author: name ?? role,
      channel: optionalText(message.get("channel")),
      recipient: optionalText(message.get("recipient")),
      contentType: optionalText(message.get("content_type")),
      parts: partTexts(message.get("content")),
    },
  ];
}

function optionalText(value: JsonValue | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function chatMessage(message: JsonObject): readonly HarmonyEntry[] {
  const role = message.get("role") ?? null;
  if (role === null) {
    throw validationError(`Message has no 'role' key: ${pythonRepr(message)}`, "input");
  }
  const calls = message.get("tool_calls");
  if (
    role === "assistant" &&
    calls !== undefined &&
    calls !== null &&
    isJsonArray(calls) &&
    calls.length > 0
  ) {
    return (calls as readonly JsonObject[]).map(callEntry);
  }
  const content = message.get("content");
  if (role === "tool") {
    const name = optionalText(message.get("name")) ?? "";
    return [toolEntry(name.replace(/^functions\./, ""), flatText(content) ?? "")];
  }
  if (role === "system" || role === "developer") return [];
  return [
    {
      author: role as string,
      channel: undefined,
      recipient: undefined,
      contentType: undefined,
      parts: partTexts(content ?? ""),
    },
  ];
}

function callEntry(call: JsonObject): HarmonyEntry {
  const called = call.get("function");
  const definition: JsonObject = called instanceof Map ? (called as JsonObject) : new Map();
  const name = optionalText(definition.get("name")) ?? "";
  return {
    author: "assistant",
    channel: "commentary",
    recipient: `functions.${name}`,
    contentType: "json",
    parts: [optionalText(definition.get("arguments")) ?? ""],
  };
}
