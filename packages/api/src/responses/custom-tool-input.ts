import type { JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";

/** Beginning of the arguments in which a model wraps the text of a custom tool. */
const WRAPPER = /^\s*\{\s*"input"\s*:\s*"/;

/** The text of a whole call of a custom tool; arguments that do not wrap one are the text themselves. */
export function customToolInput(text: string): string {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    return text;
  }
  const input = value instanceof Map ? value.get("input") : undefined;
  return typeof input === "string" ? input : text;
}

/** What of the text is certain already while the call still goes on; the start of the whole. */
export function customToolInputPrefix(text: string): string {
  const wrapper = WRAPPER.exec(text);
  if (wrapper === null) return "";
  const rest = text.slice(wrapper[0].length);
  let end = 0;
  while (end < rest.length && rest[end] !== '"') {
    if (rest[end] !== "\\") {
      end++;
      continue;
    }
    const length = rest[end + 1] === "u" ? 6 : 2;
    if (end + length > rest.length) break;
    end += length;
  }
  let payload: unknown;
  try {
    payload = JSON.parse(`"${rest.slice(0, end)}"`);
  } catch {
    return "";
  }
  const decoded = payload as string;
  // Half of a pair says nothing yet.
  return /[\ud800-\udbff]$/.test(decoded) ? decoded.slice(0, -1) : decoded;
}
