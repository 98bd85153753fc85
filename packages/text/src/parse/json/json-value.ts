import type { TemplateValue } from "../../template/template-value.ts";
import { truthy } from "../../template/python/compare.ts";
import { dumpJson, PLAIN_JSON } from "../../template/python/json-dump.ts";

/** An object of JSON as it is read for a call. */
export type JsonMap = ReadonlyMap<string, TemplateValue>;

/** Whether a value is an object of JSON. */
export function isJsonMap(value: TemplateValue | undefined): value is JsonMap {
  return value instanceof Map;
}

/** Whether a value is a list of JSON. */
export function isJsonList(value: TemplateValue | undefined): value is readonly TemplateValue[] {
  return Array.isArray(value);
}

/** Arguments as vLLM writes them again after reading them: Python's spacing, nothing escaped that need not be. */
export function argumentsText(value: TemplateValue): string {
  if (typeof value !== "object" || value === null) return dumpJson(value, PLAIN_JSON);
  const known = writtenTexts.get(value) ?? dumpJson(value, PLAIN_JSON);
  writtenTexts.set(value, known);
  return known;
}

/** Texts of arguments that were written: a stream asks for those of the piece before again. */
const writtenTexts = new WeakMap<object, string>();

/** Whether there are arguments at all: an empty object, list or text, zero, false and null are none to vLLM. */
export function hasArguments(value: TemplateValue | undefined): value is TemplateValue {
  return value !== undefined && truthy(value);
}

/** The arguments of a call that a model may name either way; undefined where it does not name them. */
export function argumentsOrParameters(call: JsonMap): TemplateValue | undefined {
  return call.has("arguments") ? call.get("arguments") : call.get("parameters");
}
