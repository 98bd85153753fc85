import { isJsonObject, type JsonObject } from "./model-files.ts";
import { refuse } from "./sampling.ts";

const maxDepth = 32;
/** Keywords that a small document might violate without notice. */
const unsupported = [
  "pattern",
  "not",
  "if",
  "contains",
  "propertyNames",
  "dependentRequired",
  "dependentSchemas",
];

/**
 * A small document that satisfies a JSON schema: required members only, least lengths, first alternatives.
 * @throws GrpcStatusError INVALID_ARGUMENT for keywords it does not know how to satisfy
 */
export function sampleJson(schema: unknown): unknown {
  return sample(schema, { root: schema, depth: 0 });
}

interface Place {
  readonly root: unknown;
  readonly depth: number;
}

function sample(schema: unknown, place: Place): unknown {
  if (schema === true) return {};
  if (!isJsonObject(schema)) return refuse("Invalid JSON grammar specification.");
  if (place.depth > maxDepth) refuse("the JSON schema is nested too deeply for the simulator");
  const inner = { root: place.root, depth: place.depth + 1 };
  for (const keyword of unsupported) {
    if (schema[keyword] !== undefined) refuse(`the simulator does not support ${keyword} in a JSON schema`);
  }
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"]) && schema["enum"].length > 0) return schema["enum"][0];
  if (typeof schema["$ref"] === "string") return sample(resolve(schema["$ref"], place.root), inner);
  for (const keyword of ["anyOf", "oneOf"]) {
    const alternatives = schema[keyword];
    if (Array.isArray(alternatives) && alternatives.length > 0) return sample(alternatives[0], inner);
  }
  if (Array.isArray(schema["allOf"])) return sampleAll(schema, schema["allOf"], inner);
  return sampleType(schema, inner);
}

function sampleType(schema: JsonObject, inner: Place): unknown {
  const type = Array.isArray(schema["type"]) ? schema["type"][0] : schema["type"];
  switch (type ?? impliedType(schema)) {
    case "object":
      return sampleObject(schema, inner);
    case "array":
      return sampleArray(schema, inner);
    case "string":
      return "a".repeat(number(schema["minLength"]) ?? 1).slice(0, number(schema["maxLength"]) ?? Infinity);
    case "integer":
    case "number":
      return sampleNumber(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return refuse("Invalid JSON grammar specification.");
  }
}

function impliedType(schema: JsonObject): string {
  return schema["items"] !== undefined ? "array" : "object";
}

function sampleObject(schema: JsonObject, inner: Place): JsonObject {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  const declared = Object.keys(properties);
  // In the order of the declaration, as constrained decoding writes them.
  const names = [
    ...declared.filter((name) => required.includes(name)),
    ...required.filter((name) => !declared.includes(name)),
  ];
  return Object.fromEntries(names.map((name) => [name, sample(properties[name] ?? true, inner)]));
}

function sampleArray(schema: JsonObject, inner: Place): unknown[] {
  const prefix = Array.isArray(schema["prefixItems"]) ? schema["prefixItems"] : [];
  const length = Math.max(prefix.length, number(schema["minItems"]) ?? 0);
  return Array.from({ length }, (_, index) => sample(prefix[index] ?? schema["items"] ?? true, inner));
}

function sampleNumber(schema: JsonObject): number {
  const step = number(schema["multipleOf"]) ?? 1;
  const above = number(schema["exclusiveMinimum"]);
  const least = number(schema["minimum"]) ?? (above === undefined ? undefined : above + step / 2);
  const below = number(schema["exclusiveMaximum"]);
  const most = number(schema["maximum"]) ?? (below === undefined ? Infinity : below - step / 2);
  if (least !== undefined) return Math.ceil(least / step) * step;
  return most >= 0 ? 0 : Math.floor(most / step) * step;
}

function sampleAll(schema: JsonObject, parts: readonly unknown[], inner: Place): unknown {
  const objects = parts.map((part) =>
    isJsonObject(part) && typeof part["$ref"] === "string" ? resolve(part["$ref"], inner.root) : part,
  );
  const merged: Record<string, unknown> = { ...schema, allOf: undefined };
  for (const part of objects.filter(isJsonObject)) {
    const properties = { ...object(merged["properties"]), ...object(part["properties"]) };
    const required = [...list(merged["required"]), ...list(part["required"])];
    Object.assign(merged, part, { properties, required });
  }
  return sample(merged, inner);
}

function resolve(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return refuse(`the simulator cannot follow the reference ${reference}`);
  let target = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    target = isJsonObject(target) ? target[name] : undefined;
  }
  return target;
}

function object(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
