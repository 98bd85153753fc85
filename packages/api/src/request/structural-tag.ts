import { parseJson } from "../json/parse-json.ts";
import { isJsonObject, type JsonValue } from "../json/json-value.ts";

/** True when a text can be a structural tag at all; the engine's grammar compiler has the last word. */
export function isStructuralTag(text: string): boolean {
  let value: JsonValue;
  try {
    value = parseJson(text);
  } catch {
    return false;
  }
  return isJsonObject(value);
}
