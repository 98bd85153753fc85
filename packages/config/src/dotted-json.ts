/**
 * Puts one `--flag.key.sub value` into the object of a JSON flag, as vLLM's parser does: the value is JSON when it
 * parses, else text; a last key that ends in `+` appends the comma-separated values to a list.
 * @returns a new object; what was given is left as it is
 */
export function mergeDottedJson(
  earlier: unknown,
  keys: readonly string[],
  text: string,
): Record<string, unknown> {
  const merged: Record<string, unknown> = isObject(earlier) ? { ...earlier } : {};
  const [key = "", ...rest] = keys;
  if (rest.length > 0) {
    merged[key] = mergeDottedJson(merged[key], rest, text);
  } else if (key.endsWith("+")) {
    const name = key.slice(0, -1);
    const before: unknown = merged[name];
    const items = text.split(",").map(jsonOrText);
    merged[name] = [...(Array.isArray(before) ? (before as readonly unknown[]) : []), ...items];
  } else {
    merged[key] = jsonOrText(text);
  }
  return merged;
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
