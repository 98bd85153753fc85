import { makeInteger } from "../template/python/arithmetic.ts";
import { parseJson } from "../template/python/parse-json.ts";
import { parseFloatText, parseIntegerText } from "../template/python/parse-number.ts";
import { strip } from "../template/python/whitespace.ts";
import { PythonFloat, type TemplateValue } from "../template/template-value.ts";

/** A JSON object. */
export type JsonFields = ReadonlyMap<string, TemplateValue>;

/** True for a JSON object. */
export function isFields(value: TemplateValue | undefined): value is JsonFields {
  return value instanceof Map;
}

/** True for a JSON number with a fraction or exponent. */
export function isFloat(value: TemplateValue): value is { readonly isFloat: true; readonly value: number } {
  return typeof value === "object" && value !== null && "isFloat" in value;
}

/** Types a JSON schema allows, from `type`, `enum` and alternatives; `string` where it says nothing. */
export function typesOfSchema(schema: TemplateValue | undefined): ReadonlySet<string> {
  const types = new Set<string>();
  if (isFields(schema)) addTypes(schema, types);
  return types.size === 0 ? new Set(["string"]) : types;
}

function addTypes(schema: JsonFields, types: Set<string>): void {
  const type = schema.get("type");
  for (const name of Array.isArray(type) ? (type as readonly TemplateValue[]) : [type]) {
    if (typeof name === "string") types.add(name);
  }
  for (const value of listOf(schema.get("enum"))) types.add(typeOfValue(value));
  for (const field of ["anyOf", "oneOf", "allOf"]) {
    for (const choice of listOf(schema.get(field))) for (const name of typesOfSchema(choice)) types.add(name);
  }
}

function listOf(value: TemplateValue | undefined): readonly TemplateValue[] {
  return Array.isArray(value) ? (value as readonly TemplateValue[]) : [];
}

function typeOfValue(value: TemplateValue): string {
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "string") return typeof value;
  if (typeof value === "number" || typeof value === "bigint") return "integer";
  if (isFloat(value)) return "number";
  return Array.isArray(value) ? "array" : "object";
}

/** Names of types that are not JSON schema's but occur. */
const ALIASES: Readonly<Record<string, string>> = Object.fromEntries(
  (
    [
      ["string", "str text varchar char enum"],
      ["integer", "int int32 int64 uint uint32 uint64 long short unsigned"],
      ["number", "float float32 float64 double"],
      ["boolean", "bool"],
      ["object", "dict"],
      ["array", "arr list sequence"],
    ] as const
  ).flatMap(([type, names]) => names.split(" ").map((name) => [name, type])),
);

const BY_TYPE: readonly (readonly [type: string, read: (text: string) => TemplateValue | undefined])[] = [
  ["null", (text) => (text.toLowerCase() === "null" ? null : undefined)],
  ["integer", readInteger],
  ["number", readNumber],
  ["boolean", readBoolean],
  ["object", readFinite],
  ["array", readFinite],
  ["string", (text) => text],
];

/**
 * A raw text as the first of the types it can be: null, integer, number, boolean, object or array, string; as any JSON where it
 * is of none, and as it is where that fails too. Numbers that JSON has no text for stay text.
 */
export function coerceText(text: string, types: ReadonlySet<string>): TemplateValue {
  const wanted = new Set(
    [...types].map((type) => strip(type, "both").toLowerCase()).map((name) => ALIASES[name] ?? name),
  );
  for (const [type, read] of BY_TYPE) {
    const value = wanted.has(type) ? read(text) : undefined;
    if (value !== undefined) return value;
  }
  return readFinite(text) ?? text;
}

function readInteger(text: string): TemplateValue | undefined {
  const value = parseIntegerText(text, 10);
  return value === undefined ? undefined : (makeInteger(value) as number | bigint);
}

function readNumber(text: string): TemplateValue | undefined {
  const value = parseFloatText(text);
  if (value === undefined || !Number.isFinite(value)) return undefined;
  if (!Number.isInteger(value)) return new PythonFloat(value);
  return makeInteger(BigInt(value)) as number | bigint;
}

function readBoolean(text: string): TemplateValue | undefined {
  const word = strip(text.toLowerCase(), "both");
  if (word === "true" || word === "1") return true;
  return word === "false" || word === "0" ? false : undefined;
}

function readFinite(text: string): TemplateValue | undefined {
  const value = parseJson(text);
  return value !== undefined && isFinite(value) ? value : undefined;
}

function isFinite(value: TemplateValue): boolean {
  if (isFields(value)) return [...value.values()].every(isFinite);
  if (Array.isArray(value)) return (value as readonly TemplateValue[]).every(isFinite);
  return typeof value !== "object" || value === null || !isFloat(value) || Number.isFinite(value.value);
}
