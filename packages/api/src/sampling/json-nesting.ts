import { validationError } from "../api-error.ts";
import { parseJson } from "../json/parse-json.ts";
import type { JsonValue } from "../json/json-value.ts";

/** Objects and arrays a schema may have inside each other. */
const MAX_JSON_NESTING = 64;

/**
 * Refuses a schema, as text or as value, whose objects and arrays nest deeper than 64 levels and `extraLevels`.
 *
 * @throws {@link ApiError}
 */
export function checkJsonNesting(spec: JsonValue, extraLevels: number): void {
  if (spec === null || spec === "") return;
  let value: JsonValue = spec;
  if (typeof spec === "string") {
    try {
      value = parseJson(spec);
    } catch {
      return;
    }
  }
  if (depthOf(value) <= MAX_JSON_NESTING + extraLevels) return;
  throw validationError(
    `The JSON schema is nested too deeply: objects and arrays may nest at most ${MAX_JSON_NESTING} levels`,
  );
}

function depthOf(value: JsonValue): number {
  let depth = 0;
  let level: JsonValue[] = [value];
  while (level.length > 0) {
    const next: JsonValue[] = [];
    let nested = false;
    for (const node of level) {
      const members = node instanceof Map ? node.values() : Array.isArray(node) ? node : undefined;
      if (members === undefined) continue;
      nested = true;
      for (const member of members as Iterable<JsonValue>)
        if (typeof member === "object" && member !== null) next.push(member);
    }
    if (nested) depth++;
    level = next;
  }
  return depth;
}
