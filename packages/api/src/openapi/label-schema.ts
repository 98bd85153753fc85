/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

const SCALARS: Readonly<Record<string, Schema>> = {
  str: { type: "string" },
  "constrained-str": { type: "string" },
  int: { type: "integer" },
  "constrained-int": { type: "integer" },
  float: { type: "number" },
  "constrained-float": { type: "number" },
  bool: { type: "boolean" },
  any: {},
};

const WRAPPED = /^([a-z-]+)\[(.*)\]$/s;

/** The schema behind pydantic's name of a validator; an object where the name is a class's. */
export function schemaOfLabel(label: string): Schema {
  const scalar = SCALARS[label];
  if (scalar !== undefined) return scalar;
  const [, kind, inner = ""] = WRAPPED.exec(label) ?? [];
  switch (kind) {
    case "nullable":
      return { anyOf: [schemaOfLabel(inner), { type: "null" }] };
    case "list":
    case "generator":
      return { items: schemaOfLabel(inner), type: "array" };
    case "dict":
      return { additionalProperties: true, type: "object" };
    case "literal":
      return { type: "string", enum: splitOutside(inner).map((word) => word.slice(1, -1)) };
    case "union":
    case "tagged-union":
      return { anyOf: splitOutside(inner).map(schemaOfLabel) };
    case "function-before":
    case "function-after":
      return schemaOfLabel(inner);
    default:
      return { additionalProperties: true, type: "object" };
  }
}

/** Splits at commas that are in no brackets and in no quotes. */
function splitOutside(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "'") isQuoted = !isQuoted;
    else if (isQuoted) continue;
    else if (character === "[") depth++;
    else if (character === "]") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...parts, text.slice(start)];
}
