import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { after } from "../validation/after.ts";
import { dictionary, list } from "../validation/containers.ts";
import { optional, record, required } from "../validation/record.ts";
import { boolean, literal, string } from "../validation/scalars.ts";
import { taggedUnion } from "../validation/tagged-union.ts";
import { union } from "../validation/union.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const optionalText = optional(nullable(text));
const object = dictionary(text, anything);

const toolFields = record({
  name: "AnthropicTool",
  kind: "closed-model",
  fields: {
    name: required(text),
    description: optionalText,
    input_schema: required(object),
    strict: optional(nullable(boolean)),
    defer_loading: optional(nullable(boolean)),
  },
});

/** A tool's declaration; a schema without a type is one of an object. */
export const anthropicTool: Validator<JsonObject> = {
  label: toolFields.label,
  validate(input, state) {
    const value = toolFields.validate(input, state);
    if (isIssues(value)) return value;
    const schema = value.get("input_schema") as JsonObject;
    return schema.has("type") ? value : value.set("input_schema", new Map([...schema, ["type", "object"]]));
  },
};

const toolChange = taggedUnion({
  tool_reference: record({
    name: "AnthropicToolChangeReference",
    kind: "closed-model",
    fields: { type: required(literal("tool_reference")), name: required(text) },
  }),
  tool_definition: record({
    name: "AnthropicToolChangeDefinition",
    kind: "closed-model",
    fields: { type: required(literal("tool_definition")), definition: required(anthropicTool) },
  }),
});

/** One block of a message's content. */
const contentBlock = after(
  record({
    name: "AnthropicContentBlock",
    kind: "closed-model",
    fields: {
      type: required(
        literal(
          "text",
          "image",
          "tool_use",
          "tool_result",
          "tool_reference",
          "thinking",
          "redacted_thinking",
          "tool_addition",
          "tool_removal",
        ),
      ),
      text: optionalText,
      source: optional(nullable(object)),
      id: optionalText,
      tool_use_id: optionalText,
      name: optionalText,
      input: optional(nullable(object)),
      content: optional(nullable(union(text, list(object)))),
      is_error: optional(nullable(boolean)),
      tool_name: optionalText,
      thinking: optionalText,
      signature: optionalText,
      data: optionalText,
      tool: optional(nullable(toolChange)),
    },
  }),
  (block) => {
    if (!isToolChange(block)) return undefined;
    const type = block.get("type") as string;
    const tool = block.get("tool") ?? null;
    if (!(tool instanceof Map)) return `tool is required for ${type} blocks`;
    const isRemoval = type === "tool_removal";
    return isRemoval && tool.get("type") !== "tool_reference"
      ? "tool_removal only accepts a tool_reference"
      : undefined;
  },
);

/** `content` of a message, and `system` of a request: a text or blocks. */
export const blockContent: Validator<JsonValue> = union(text, list(contentBlock)) as Validator<JsonValue>;

/** One message. Tools may change in system messages only. */
export const anthropicMessage: Validator<JsonObject> = after(
  record({
    name: "AnthropicMessage",
    kind: "closed-model",
    fields: { role: required(literal("user", "assistant", "system")), content: required(blockContent) },
  }),
  (message) => (message.get("role") === "system" ? undefined : toolChangeRefusal(message.get("content"))),
);

/** What is wrong with blocks that change tools outside of a system message; undefined when there are none. */
export function toolChangeRefusal(content: JsonValue | undefined): string | undefined {
  const change = blocksOf(content).find(isToolChange);
  return change === undefined
    ? undefined
    : `${change.get("type") as string} blocks are only allowed in messages with role "system"`;
}

/** The blocks of a content; none where it is a text. */
export function blocksOf(content: JsonValue | undefined): readonly JsonObject[] {
  return content !== undefined && isJsonArray(content) ? (content as readonly JsonObject[]) : [];
}

/** True for `tool_addition` and `tool_removal`. */
export function isToolChange(block: JsonObject): boolean {
  const type = block.get("type");
  return type === "tool_addition" || type === "tool_removal";
}
