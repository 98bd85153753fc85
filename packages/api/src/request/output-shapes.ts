import { validationError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { pythonRepr } from "../json/python-text.ts";
import { dictionary, list } from "../validation/containers.ts";
import { optional, record, required } from "../validation/record.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const MODEL_LABEL = "function-wrap[__log_extra_fields__()]";

/** `stream_options`. */
export const streamOptions = record({
  name: "StreamOptions",
  label: MODEL_LABEL,
  kind: "model",
  fields: {
    include_usage: optional(nullable(boolean), false),
    continuous_usage_stats: optional(nullable(boolean), false),
  },
});

const jsonSchemaFormat = record({
  name: "JsonSchemaResponseFormat",
  label: MODEL_LABEL,
  kind: "model",
  fields: {
    name: required(text),
    description: optional(nullable(text), null),
    schema: optional(nullable(dictionary(text, anything)), null),
    strict: optional(nullable(boolean), null),
  },
});

const plainFormat = record({
  name: "ResponseFormat",
  label: MODEL_LABEL,
  kind: "model",
  fields: {
    type: required(literal("text", "json_object", "json_schema")),
    json_schema: optional(nullable(jsonSchemaFormat), null),
  },
});

const structuralTagFormat = record({
  name: "StructuralTagResponseFormat",
  label: MODEL_LABEL,
  kind: "model",
  fields: { type: required(literal("structural_tag")), format: required(anything) },
});

const legacyStructuralTagFormat = record({
  name: "LegacyStructuralTagResponseFormat",
  label: MODEL_LABEL,
  kind: "model",
  fields: {
    type: required(literal("structural_tag")),
    structures: required(
      list(
        record({
          name: "LegacyStructuralTag",
          label: MODEL_LABEL,
          kind: "model",
          fields: {
            begin: required(text),
            schema: optional(nullable(dictionary(text, anything)), null),
            end: required(text),
          },
        }),
      ),
    ),
    triggers: required(list(text)),
  },
});

/** `response_format`. */
export const responseFormat: Validator<JsonObject> = union(
  plainFormat,
  structuralTagFormat,
  legacyStructuralTagFormat,
);

/** A structural tag in `response_format`, in the order in which vLLM checks it by itself. */
export const structuralTagResponseFormat: Validator<JsonObject> = union(
  legacyStructuralTagFormat,
  structuralTagFormat,
);

const structuredOutputsFields = record({
  name: "StructuredOutputsParams",
  kind: "dataclass",
  fields: {
    json: optional(nullable(union(text, dictionary(text, anything))), null),
    regex: optional(nullable(text), null),
    choice: optional(nullable(list(text)), null),
    grammar: optional(nullable(text), null),
    json_object: optional(nullable(boolean), null),
    disable_any_whitespace: optional(boolean, false),
    disable_additional_properties: optional(boolean, false),
    whitespace_pattern: optional(nullable(text), null),
    structural_tag: optional(nullable(text), null),
  },
});

const CONSTRAINTS = ["json", "regex", "choice", "grammar", "json_object", "structural_tag"] as const;

/** `structured_outputs`: options and exactly one constraint. */
export const structuredOutputs: Validator<JsonObject> = {
  label: "StructuredOutputsParams",
  validate(input, state) {
    const value = structuredOutputsFields.validate(input, state);
    if (!isIssues(value)) checkConstraintCount(value);
    return value;
  },
};

/**
 * Refuses anything but one constraint.
 *
 * @throws {@link ApiError}
 */
export function checkConstraintCount(value: JsonObject): void {
  const count = CONSTRAINTS.filter((name) => (value.get(name) ?? null) !== null).length;
  if (count === 1) return;
  const shown: JsonObject = new Map<string, JsonValue>([
    ...value,
    ["_backend", null],
    ["_backend_was_auto", false],
  ]);
  throw validationError(
    count > 1
      ? `You can only use one kind of structured outputs constraint but multiple are specified: ${pythonRepr(shown)}`
      : `You must use one kind of structured outputs constraint but none are specified: ${pythonRepr(shown)}`,
  );
}

const repetitionDetectionFields = record({
  name: "RepetitionDetectionParams",
  kind: "dataclass",
  fields: {
    max_pattern_size: optional(integer(), 0),
    min_pattern_size: optional(integer(), 0),
    min_count: optional(integer(), 0),
  },
});

/** `repetition_detection`. */
export const repetitionDetection: Validator<JsonObject> = {
  label: "RepetitionDetectionParams",
  validate(input, state) {
    const value = repetitionDetectionFields.validate(input, state);
    if (isIssues(value)) return value;
    const [largest = 0, smallest = 0, count = 0] = [...value.values()] as number[];
    if (largest < 0 || smallest < 0 || smallest > largest) {
      throw validationError(
        "max_pattern_size, min_pattern_size must be >=0, with min_pattern_size <= max_pattern_size. " +
          "Set both to 0 to disable repetitive pattern detection.",
      );
    }
    if (largest > 0 && count < 2) {
      throw validationError(
        "min_count must be >= 2 to detect repetitive patterns in engine output. If you do not wish to detect " +
          "repetitive patterns, set max_pattern_size to 0.",
      );
    }
    return value;
  },
};
