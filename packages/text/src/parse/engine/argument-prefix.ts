import { type JsonFields, typesOfSchema } from "../schema-types.ts";

/**
 * Keys whose values stay text whatever comes: only of these an open value is streamed. Undefined where the tool has no schema,
 * and every text stays text.
 */
export function textKeys(properties: JsonFields): ReadonlySet<string> | undefined {
  if (properties.size === 0) return undefined;
  const keys = new Set<string>();
  for (const [key, schema] of properties) {
    const types = typesOfSchema(schema);
    if (types.size === 1 && types.has("string")) keys.add(key);
  }
  return keys;
}

/**
 * The beginning of a JSON object that will not change when more of it comes: up to the last value, and of a text that stays
 * one also what there is of it.
 */
export function stablePrefix(json: string, keys: ReadonlySet<string> | undefined): string {
  const last = lastTopValue(json);
  if (last === undefined) return "";
  let end = last.colon + 1;
  while (end < json.length && " \t\n\r".includes(json.charAt(end))) end++;
  const isText = json.charAt(end) === '"';
  if (!isText || (keys !== undefined && (last.key === undefined || !keys.has(last.key))))
    return json.slice(0, end);
  for (let at = end + 1; at < json.length; at++) {
    const character = json.charAt(at);
    if (character === "\\") at++;
    else if (character === '"') return json.slice(0, at);
  }
  return json;
}

/** Key and colon of the last member at the top. */
function lastTopValue(
  json: string,
): { readonly colon: number; readonly key: string | undefined } | undefined {
  let last: { colon: number; key: string | undefined } | undefined;
  let pending: string | undefined;
  let start = -1;
  let depth = 0;
  for (let at = 0; at < json.length; at++) {
    const character = json.charAt(at);
    if (start >= 0) {
      if (character === "\\") at++;
      else if (character === '"') {
        if (depth === 1) pending = json.slice(start + 1, at);
        start = -1;
      }
    } else if (character === '"') start = at;
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
    else if (character === ":" && depth === 1) {
      last = { colon: at, key: pending };
      pending = undefined;
    }
  }
  return last;
}
