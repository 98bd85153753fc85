import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { issue, Issues, issueWithContext, type Issue } from "./issue.ts";
import {
  addFieldsSet,
  floorExactness,
  isIssues,
  LAX,
  type ValidationState,
  type Validator,
} from "./validator.ts";

/** One field of a {@link record}. */
export interface RecordField {
  readonly validator: Validator<unknown>;
  /** Missing is an error; otherwise a missing field stays missing, or becomes `fallback`. */
  readonly required: boolean;
  readonly fallback?: JsonValue;
}

/** How a {@link record} is told to its readers and its errors. */
export interface RecordOptions {
  /** Class name in vLLM's or OpenAI's sources: the label of its errors inside unions. */
  readonly name: string;
  /**
   * `typed-dict`: stays an object as sent. `model`: fields with defaults. `closed-model` and `dataclass`: the same, but
   * unknown fields are dropped. `closed-typed-dict`: only the known fields stay. `forbidding-model`: unknown fields are refused.
   */
  readonly kind:
    | "typed-dict"
    | "closed-typed-dict"
    | "model"
    | "closed-model"
    | "forbidding-model"
    | "dataclass";
  readonly fields: Readonly<Record<string, RecordField>>;
  /** Label inside unions where it is not the name: models with validators of their own. */
  readonly label?: string;
}

const MODEL_MESSAGE = "Input should be a valid dictionary or object to extract fields from";

/** An object with named fields; the result has the known fields first, in their order, then the unknown ones. */
export function record(options: RecordOptions): Validator<JsonObject> {
  const { kind } = options;
  const fields = Object.entries(options.fields);
  const known = new Set(fields.map(([name]) => name));
  return {
    label: options.label ?? options.name,
    validate(input, state) {
      if (!(input instanceof Map)) return wrongType(options, input, state);
      const object = input as JsonObject;
      const result: JsonObject = new Map();
      let found: Issue[] | undefined;
      let given = 0;
      for (const [name, field] of fields) {
        const member = object.get(name);
        if (member === undefined) {
          if (field.required)
            (found ??= []).push(...issue("missing", "Field required", input).under(name).list);
          else if (field.fallback !== undefined) result.set(name, field.fallback);
          continue;
        }
        const value = field.validator.validate(member, state);
        given++;
        if (isIssues(value)) (found ??= []).push(...value.under(name).list);
        else result.set(name, value as JsonValue);
      }
      if (kind === "forbidding-model") {
        for (const [name, member] of object) {
          if (known.has(name)) continue;
          const { list } = issue("extra_forbidden", "Extra inputs are not permitted", member).under(name);
          (found ??= []).push(...list);
        }
      }
      if (found !== undefined) return new Issues(found);
      addFieldsSet(state, given);
      if (kind !== "typed-dict" && kind !== "closed-typed-dict") floorExactness(state, LAX);
      if (kind === "typed-dict" || kind === "model") {
        for (const [name, member] of object) if (!known.has(name)) result.set(name, member);
      }
      return result;
    },
  };
}

function wrongType(options: RecordOptions, input: JsonValue, { isPython }: ValidationState): Issues {
  switch (options.kind) {
    case "typed-dict":
    case "closed-typed-dict":
      return issue("dict_type", "Input should be a valid dictionary", input);
    case "model":
    case "closed-model":
    case "forbidding-model":
      if (isPython !== true) return issue("model_attributes_type", MODEL_MESSAGE, input);
      return issueWithContext({
        type: "model_type",
        message: `Input should be a valid dictionary or instance of ${options.name}`,
        input,
        context: [["class_name", options.name]],
      });
    case "dataclass":
      return issueWithContext({
        type: "dataclass_type",
        message: `Input should be a dictionary or an instance of ${options.name}`,
        input,
        context: [["class_name", options.name]],
      });
  }
}

/** A field that must be there. */
export function required(validator: Validator<unknown>): RecordField {
  return { validator, required: true };
}

/** A field that may be missing, and then is `fallback`, or stays missing. */
export function optional(validator: Validator<unknown>, fallback?: JsonValue): RecordField {
  return fallback === undefined ? { validator, required: false } : { validator, required: false, fallback };
}
