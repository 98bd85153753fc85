const SPACE = " \t\r\n";

/** Text of an object that is a member of another, complete or as far as it goes. */
export type JsonMember = { readonly text: string } | "absent" | "no-object";

/** Finds the member `key` of a JSON object, complete or not, as the text stands there. */
export function jsonMember(raw: string, key: string): JsonMember {
  let depth = 0;
  let stringStart = -1;
  let lastString: string | undefined;
  for (let at = 0; at < raw.length; at++) {
    const character = raw.charAt(at);
    if (stringStart >= 0) {
      if (character === "\\") at++;
      else if (character === '"') {
        if (depth === 1) lastString = raw.slice(stringStart + 1, at);
        stringStart = -1;
      }
    } else if (character === '"') stringStart = at;
    else if (character === ":" && depth === 1 && lastString === key) return valueAt(raw, at + 1);
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") depth--;
  }
  return "absent";
}

function valueAt(raw: string, from: number): JsonMember {
  let start = from;
  while (start < raw.length && SPACE.includes(raw.charAt(start))) start++;
  if (start >= raw.length) return "absent";
  if (raw.charAt(start) !== "{") return "no-object";
  return { text: raw.slice(start, objectEnd(raw, start)) };
}

function objectEnd(raw: string, start: number): number {
  let depth = 0;
  let inString = false;
  for (let at = start; at < raw.length; at++) {
    const character = raw.charAt(at);
    if (inString) {
      if (character === "\\") at++;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === "{") depth++;
    else if (character === "}" && --depth === 0) return at + 1;
  }
  return raw.length;
}
