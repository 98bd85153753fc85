import { type ApiError, validationError } from "../api-error.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { writeJson } from "../json/write-json.ts";
import { checkConstraintCount } from "../request/output-shapes.ts";
import { checkJsonNesting } from "./json-nesting.ts";
import type { StructuredOutputSetting } from "./sampling-settings.ts";

/** The two fields in which a request may constrain its output. */
export interface OutputConstraints {
  readonly responseFormat: ReadonlyMap<string, JsonValue> | null;
  readonly structuredOutputs: ReadonlyMap<string, JsonValue> | null;
}

const NO_CONSTRAINT: readonly (readonly [string, JsonValue])[] = [
  ["json", null],
  ["regex", null],
  ["choice", null],
  ["grammar", null],
  ["json_object", null],
  ["disable_any_whitespace", false],
  ["disable_additional_properties", false],
  ["whitespace_pattern", null],
  ["structural_tag", null],
];

/**
 * `structured_outputs` with `response_format` laid over it, as vLLM's `StructuredOutputsParams`; undefined for no
 * constraint.
 *
 * @throws {@link ApiError} when the two contradict each other.
 */
export function mergeConstraints(request: OutputConstraints): JsonObject | undefined {
  const format = request.responseFormat;
  const type = format?.get("type");
  if (format === null || type === "text") {
    return request.structuredOutputs === null ? undefined : new Map(request.structuredOutputs);
  }
  const merged: JsonObject = new Map(request.structuredOutputs ?? NO_CONSTRAINT);
  if (type === "json_object") merged.set("json_object", true);
  else if (type === "json_schema") {
    const schema = format.get("json_schema");
    merged.set("json", (isJsonObject(schema) ? schema.get("schema") : null) ?? null);
  } else merged.set("structural_tag", writeJson(new Map(format), { spaced: true, ascii: true }));
  checkConstraintCount(merged);
  return merged;
}

/**
 * Refuses constraints that no grammar could be made of, as vLLM's engine does before it compiles one. What needs the
 * compiler itself is left to the engine.
 *
 * @throws {@link ApiError}
 */
export function checkConstraint(constraint: JsonObject): void {
  const choice = constraint.get("choice") ?? null;
  if (Array.isArray(choice) && choice.length === 0) {
    throw validationError("Choice '[]' cannot be an empty list");
  }
  refuseBlank(constraint, "grammar");
  refuseBlank(constraint, "json");
  checkJsonNesting(constraint.get("json") ?? null, 0);
  checkJsonNesting(constraint.get("structural_tag") ?? null, STRUCTURAL_TAG_WRAPPER_NESTING);
  if (constraint.get("json_object") === false) {
    throw validationError(
      "structured_outputs.json_object must be True if set; omit structured_outputs to disable structured outputs",
    );
  }
  const regex = constraint.get("regex");
  if (typeof regex === "string" && regex.includes("\0")) {
    throw validationError("structured_outputs.regex must not contain a NUL character ('\\x00')");
  }
  refuseBlank(constraint, "structural_tag");
  const json = constraint.get("json");
  if (typeof json === "string" && !isJsonText(json))
    throw validationError("Invalid JSON grammar specification.");
}

/**
 * What a client is told when the engine finds that a structural tag of its own cannot be compiled: schemas, grammars and
 * patterns in it are looked at by nobody else. Undefined where the request has none.
 */
export function structuralTagRefusal(request: OutputConstraints): ApiError | undefined {
  const refusalOf = (field: string): ApiError =>
    validationError(`Invalid ${field} structural_tag specification.`, field);
  if (request.responseFormat?.get("type") === "structural_tag") return refusalOf("response_format");
  return typeof request.structuredOutputs?.get("structural_tag") === "string"
    ? refusalOf("structured_outputs")
    : undefined;
}

function isJsonText(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false;
  }
}

/** Levels a structural tag may add around a schema. */
const STRUCTURAL_TAG_WRAPPER_NESTING = 16;

function refuseBlank(constraint: JsonObject, name: string): void {
  const value = constraint.get(name);
  if (typeof value === "string" && value.trim() === "") {
    throw validationError(`structured_outputs.${name} cannot be an empty string`);
  }
}

/** The constraint as engine protocols carry it; schemas as Python's `json.dumps` prints them. */
export function structuredOutputSetting(
  constraint: JsonObject | undefined,
): StructuredOutputSetting | undefined {
  if (constraint === undefined) return undefined;
  const json = constraint.get("json") ?? null;
  if (json !== null) {
    const schema = typeof json === "string" ? json : writeJson(json, { spaced: true, ascii: true });
    return { kind: "json-schema", schema };
  }
  const regex = constraint.get("regex");
  if (typeof regex === "string") return { kind: "regex", pattern: regex };
  const choice = constraint.get("choice");
  if (Array.isArray(choice)) return { kind: "choice", choices: choice as readonly string[] };
  const grammar = constraint.get("grammar");
  if (typeof grammar === "string") return { kind: "grammar", grammar };
  const tag = constraint.get("structural_tag");
  if (typeof tag === "string") return { kind: "structural-tag", tag };
  return { kind: "json-object" };
}
