import { isJsonArray, isJsonObject, type JsonObject, type JsonValue } from "../json/json-value.ts";

/** Keywords of a schema whose values are no schemas, or schemas that need not be used. */
const PASSED_OVER = new Set(["enum", "const", "default", "examples", "$defs", "definitions"]);

/**
 * True for a regular expression that is none in any dialect: a group or class that is not closed, or closed too often, or
 * a backslash at the end.
 */
export function isBrokenPattern(pattern: string): boolean {
  let depth = 0;
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "\\") {
      at++;
      if (at === pattern.length) return true;
    } else if (inClass) inClass = character !== "]";
    else if (character === "[") inClass = true;
    else if (character === "(") depth++;
    else if (character === ")" && --depth < 0) return true;
  }
  return depth > 0 || inClass;
}

/** Whether a schema of texts, wherever it stands in a schema, has a broken pattern. */
export function hasBrokenPattern(schema: JsonValue): boolean {
  if (isJsonArray(schema)) return schema.some(hasBrokenPattern);
  if (!isJsonObject(schema)) return false;
  if (isBrokenText(schema)) return true;
  return [...schema].some(([keyword, value]) => !PASSED_OVER.has(keyword) && hasBrokenPattern(value));
}

/** A pattern counts where the type is text alone and no list of texts takes its place. */
function isBrokenText(schema: JsonObject): boolean {
  const pattern = schema.get("pattern");
  return (
    schema.get("type") === "string" &&
    typeof pattern === "string" &&
    !schema.has("enum") &&
    !schema.has("const") &&
    isBrokenPattern(pattern)
  );
}
