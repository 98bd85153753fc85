import { type JsonObject, type JsonValue } from "../json/json-value.ts";
import { dictionary } from "../validation/containers.ts";
import { optional, record, required } from "../validation/record.ts";
import { boolean, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";

const text = string();

/** A call in the history: `{"id", "type": "function", "function": {"name", "arguments"}}`. */
export const functionToolCall = record({
  name: "ChatCompletionMessageFunctionToolCallParam",
  kind: "typed-dict",
  fields: {
    id: required(text),
    function: required(
      record({
        name: "Function",
        kind: "typed-dict",
        fields: { arguments: required(text), name: required(text) },
      }),
    ),
    type: required(literal("function")),
  },
});

/** A call in the history, of a function or of a custom tool. */
export const toolCall: Validator = union(
  functionToolCall,
  record({
    name: "ChatCompletionMessageCustomToolCallParam",
    kind: "typed-dict",
    fields: {
      id: required(text),
      custom: required(
        record({
          name: "Custom",
          kind: "typed-dict",
          fields: { input: required(text), name: required(text) },
        }),
      ),
      type: required(literal("custom")),
    },
  }),
);

/** A tool as a developer message may carry it. */
export const functionTool = record({
  name: "ChatCompletionFunctionToolParam",
  kind: "typed-dict",
  fields: {
    function: required(
      record({
        name: "FunctionDefinition",
        kind: "typed-dict",
        fields: {
          name: required(text),
          description: optional(text),
          parameters: optional(dictionary(text, anything)),
          strict: optional(nullable(boolean)),
        },
      }),
    ),
    type: required(literal("function")),
  },
});

const requestTool = record({
  name: "ChatCompletionToolsParam",
  label: "function-wrap[__log_extra_fields__()]",
  kind: "model",
  fields: {
    type: optional(literal("function"), "function"),
    function: required(
      record({
        name: "FunctionDefinition",
        kind: "model",
        fields: {
          name: required(text),
          description: optional(nullable(text), null),
          parameters: optional(nullable(dictionary(text, anything)), null),
          strict: optional(nullable(boolean), null),
          defer_loading: optional(nullable(boolean), null),
        },
      }),
    ),
    defer_loading: optional(nullable(boolean), null),
  },
});

const FUNCTION_FIELDS = ["name", "description", "parameters", "strict", "defer_loading"] as const;

/**
 * One of the request's `tools`, as templates and parsers see it: `type`, `function {name, description, parameters}`,
 * with `strict` and `defer_loading` only when given, and nothing else.
 */
export const tool: Validator<JsonObject> = {
  label: requestTool.label,
  validate(input, state) {
    const value = requestTool.validate(input, state);
    if (isIssues(value)) return value;
    const definition = value.get("function") as JsonObject;
    const deferLoading = value.get("defer_loading") ?? null;
    const dumped: JsonObject = new Map();
    for (const name of FUNCTION_FIELDS) {
      let member: JsonValue = definition.get(name) ?? null;
      if (name === "defer_loading") member ??= deferLoading;
      if (member !== null || name === "description" || name === "parameters") dumped.set(name, member);
    }
    const result: JsonObject = new Map<string, JsonValue>([
      ["type", value.get("type") ?? "function"],
      ["function", dumped],
    ]);
    if (deferLoading !== null) result.set("defer_loading", deferLoading);
    return result;
  },
};

/** A named `tool_choice`: `{"type": "function", "function": {"name"}}`. */
export const namedToolChoice = record({
  name: "ChatCompletionNamedToolChoiceParam",
  label: "function-wrap[__log_extra_fields__()]",
  kind: "model",
  fields: {
    function: required(
      record({ name: "ChatCompletionNamedFunction", kind: "model", fields: { name: required(text) } }),
    ),
    type: optional(literal("function"), "function"),
  },
});
