import type { HarmonyMessage } from "@vllm-router/text";
import { quoteJson } from "../json/string-text.ts";
import type { HarmonyEntry } from "./harmony-input.ts";

/** A message of the model as part of the conversation. */
export function harmonyEntryOf(message: HarmonyMessage): HarmonyEntry {
  const { role, name, channel, recipient, contentType, text } = message;
  return { author: name ?? role, channel, recipient, contentType, parts: [text] };
}

/** Messages as `input_messages` and `output_messages` show them, JSON; null where there are none. */
export function rawHarmony(entries: readonly HarmonyEntry[]): string {
  return entries.length === 0
    ? "null"
    : `[${entries.map((entry) => entry.raw?.() ?? rawEntry(entry)).join(",")}]`;
}

const ROLES = new Set(["system", "developer", "user", "assistant", "tool"]);

function rawEntry(entry: HarmonyEntry): string {
  const isRole = ROLES.has(entry.author);
  const parts = entry.parts.map((text) => `{"type":"text","text":${quoteJson(text)}}`);
  const optional = (key: string, value: string | undefined): string =>
    value === undefined ? "" : `,"${key}":${quoteJson(value)}`;
  return (
    `{"role":${quoteJson(isRole ? entry.author : "tool")},"name":${isRole ? "null" : quoteJson(entry.author)},` +
    `"content":[${parts.join(",")}]${optional("channel", entry.channel)}${optional("recipient", entry.recipient)}` +
    `${optional("content_type", entry.contentType)}}`
  );
}
