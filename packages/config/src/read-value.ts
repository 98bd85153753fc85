import type { Setting } from "./describe.ts";

/** A value read from text, or why it cannot be read. */
export type ReadValue =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string };

const TRUE = new Set(["true", "1", "yes", "on"]);
const FALSE = new Set(["false", "0", "no", "off"]);

/** Reads the text of one value by the kind of its setting; a list gives its items. Bounds are checked later by the schema. */
export function readValue(setting: Setting, text: string): ReadValue {
  switch (setting.kind) {
    case "boolean":
      return readBoolean(text);
    case "integer":
      return /^[+-]?\d+$/.test(text.trim())
        ? good(Number(text))
        : bad(`expected a whole number, got ${quoted(text)}`);
    case "number":
      return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())
        ? good(Number(text))
        : bad(`expected a number, got ${quoted(text)}`);
    case "json":
      return readJsonObject(text);
    case "list":
      return good(
        readJsonList(text) ??
          (setting.splitOnComma ? text.split(",").filter((item) => item.trim() !== "") : [text]),
      );
    case "text":
    case "choice":
      return good(text);
  }
}

/** Text of a value as shown in messages, cut when long. */
export function quoted(value: unknown): string {
  const text = typeof value === "string" ? `'${value}'` : (JSON.stringify(value) ?? String(value));
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

function readBoolean(text: string): ReadValue {
  const lower = text.trim().toLowerCase();
  if (TRUE.has(lower)) return good(true);
  if (FALSE.has(lower)) return good(false);
  return bad(`expected true or false, got ${quoted(text)}`);
}

function readJsonObject(text: string): ReadValue {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return good(value);
    return bad(`expected a JSON object, got ${quoted(text)}`);
  } catch {
    return bad(`expected a JSON object, got ${quoted(text)}, which is not valid JSON`);
  }
}

function good(value: unknown): ReadValue {
  return { ok: true, value };
}

function bad(message: string): ReadValue {
  return { ok: false, message };
}

/** A list may be written as a JSON array of texts, as vLLM's own flags want it; undefined where it is not. */
function readJsonList(text: string): readonly string[] | undefined {
  if (!/^\s*\[.*\]\s*$/s.test(text)) {
    return undefined;
  }
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
  } catch {
    return undefined;
  }
}
