import { type ApiError, badRequestError } from "../api-error.ts";
import { isJsonArray, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { isWellFormed } from "../json/well-formed.ts";
import { iterable, list, UnreadableList } from "../validation/containers.ts";
import { Issues } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";
import { optional, record, required } from "../validation/record.ts";
import { literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { addFieldsSet, isIssues, nullable, type Validator } from "../validation/validator.ts";
import { contentPart, openAiParts, refusalPart, textPart } from "./content-parts.ts";
import { notIterableError } from "./python-errors.ts";
import { functionTool, functionToolCall, toolCall } from "./tool-shapes.ts";

const text = string();
const textContent = required(union(text, iterable(textPart)));

function roleMessage(name: string, role: "developer" | "system"): Validator {
  return record({
    name,
    kind: "typed-dict",
    fields: { content: textContent, role: required(literal(role)), name: optional(text) },
  });
}

const assistantMessage = record({
  name: "ChatCompletionAssistantMessageParam",
  kind: "typed-dict",
  fields: {
    role: required(literal("assistant")),
    audio: optional(nullable(record({ name: "Audio", kind: "typed-dict", fields: { id: required(text) } }))),
    content: optional(nullable(union(text, iterable(union(textPart, refusalPart))))),
    function_call: optional(
      nullable(
        record({
          name: "FunctionCall",
          kind: "typed-dict",
          fields: { arguments: required(text), name: required(text) },
        }),
      ),
    ),
    name: optional(text),
    refusal: optional(nullable(text)),
    tool_calls: optional(iterable(toolCall)),
  },
});

const customMessage = record({
  name: "CustomChatCompletionMessageParam",
  kind: "typed-dict",
  fields: {
    role: required(text),
    content: optional(union(text, list(contentPart))),
    name: optional(text),
    tool_call_id: optional(nullable(text)),
    tool_calls: optional(nullable(list(functionToolCall))),
    reasoning: optional(nullable(text)),
    tools: optional(nullable(list(functionTool))),
    task: optional(nullable(text)),
  },
});

const HARMONY_ROLES = ["user", "assistant", "system", "developer", "tool"] as const;

const harmonyMessage = record({
  name: "Message",
  kind: "closed-model",
  fields: {
    author: required(
      record({
        name: "Author",
        kind: "closed-model",
        fields: { role: required(enumeration(HARMONY_ROLES)), name: optional(nullable(text), null) },
      }),
    ),
    content: optional(list(record({ name: "Content", kind: "closed-model", fields: {} })), []),
    channel: optional(nullable(text), null),
    recipient: optional(nullable(text), null),
    content_type: optional(nullable(text), null),
  },
});

/** Like a literal, under pydantic's other name. */
function enumeration(words: readonly string[]): Validator {
  const oneOfWords = literal(...words);
  return {
    label: "enum",
    validate(input, state) {
      const result = oneOfWords.validate(input, state);
      if (!isIssues(result)) return result;
      return new Issues(result.list.map((found) => ({ ...found, type: "enum" })));
    },
  };
}

const anyMessage = union(
  roleMessage("ChatCompletionDeveloperMessageParam", "developer"),
  roleMessage("ChatCompletionSystemMessageParam", "system"),
  record({
    name: "ChatCompletionUserMessageParam",
    kind: "typed-dict",
    fields: {
      content: required(union(text, iterable(union(...openAiParts)))),
      role: required(literal("user")),
      name: optional(text),
    },
  }),
  assistantMessage,
  record({
    name: "ChatCompletionToolMessageParam",
    kind: "typed-dict",
    fields: { content: textContent, role: required(literal("tool")), tool_call_id: required(text) },
  }),
  record({
    name: "ChatCompletionFunctionMessageParam",
    kind: "typed-dict",
    fields: { content: required(nullable(text)), name: required(text), role: required(literal("function")) },
  }),
  customMessage,
  harmonyMessage,
);

/** One chat message. Plain ones, a role and a text, take a short way to the same result. */
export const chatMessage: Validator<unknown> = {
  label: anyMessage.label,
  validate(input, state) {
    if (input instanceof Map && input.size === 2) {
      const role = input.get("role");
      const content = input.get("content");
      if (typeof role === "string" && typeof content === "string" && isWellFormed(role)) {
        addFieldsSet(state, 2);
        return input;
      }
    }
    return anyMessage.validate(input, state);
  },
};

/** What is left to say about messages after their fields were checked. */
export interface ReadMessages {
  readonly messages: readonly JsonValue[];
  /** Refusal that vLLM finds only while rendering, that is after the checks of model, tools and template. */
  readonly lateError: ApiError | undefined;
}

/**
 * Reads the lists that pydantic leaves unread. Chat requests read `tool_calls` at once, and findings are returned; other
 * requests, and `content` in any case, are read while the messages are rendered.
 */
export function readMessages(
  validated: readonly unknown[],
  options: {
    readonly callsAtOnce: boolean;
    /**
     * The messages have been validated before, as vLLM's batch does: that has used up a content that cannot be read, and
     * what is left of it is an empty list.
     */
    readonly isSecondReading?: boolean;
  },
): ReadMessages | Issues {
  let lateError: ApiError | undefined;
  const messages: unknown[] = [];
  for (const message of validated) {
    messages.push(message);
    if (!(message instanceof Map)) continue;
    const { content, calls } = unreadLists(message as JsonObject);
    if (options.callsAtOnce && calls !== undefined) return calls;
    const isDropped = content !== undefined && options.isSecondReading === true;
    if (isDropped) messages[messages.length - 1] = new Map(message).set("content", []);
    const late = (isDropped ? undefined : content) ?? calls;
    if (late !== undefined) lateError ??= badRequestError(validationErrorText("ValidatorIterator", late));
  }
  return { messages: messages as readonly JsonValue[], lateError };
}

function unreadLists(message: JsonObject): Readonly<Record<"content" | "calls", Issues | undefined>> {
  const content: unknown = message.get("content");
  const calls: unknown = message.get("tool_calls");
  return {
    content: content instanceof UnreadableList ? content.issues : undefined,
    calls: calls instanceof UnreadableList ? calls.issues : undefined,
  };
}

/**
 * Renames the deprecated `reasoning_content` of input messages to `reasoning`, and turns `tool_calls` that are no list
 * into one, as Python's `list()` would.
 *
 * @throws {@link ApiError} for `tool_calls` that cannot be listed.
 */
export function normaliseMessages(messages: JsonValue): JsonValue {
  if (!isJsonArray(messages)) return messages;
  if (!messages.some(needsNormalising)) return messages;
  return messages.map((message) => (needsNormalising(message) ? normaliseMessage(message) : message));
}

function needsNormalising(message: JsonValue): message is JsonObject {
  if (!(message instanceof Map)) return false;
  const calls = message.get("tool_calls");
  return message.has("reasoning_content") || (calls !== undefined && calls !== null && !isJsonArray(calls));
}

function normaliseMessage(message: JsonObject): JsonObject {
  const copy: JsonObject = new Map(message);
  const calls = message.get("tool_calls");
  if (calls !== undefined && calls !== null) copy.set("tool_calls", pythonList(calls));
  const reasoning = message.get("reasoning_content");
  copy.delete("reasoning_content");
  if (reasoning !== undefined && reasoning !== null && (message.get("reasoning") ?? null) === null) {
    copy.set("reasoning", reasoning);
  }
  return copy;
}

/** What Python's `list(value)` gives. */
function pythonList(value: JsonValue): JsonValue {
  if (isJsonArray(value)) return value;
  if (typeof value === "string") return [...value];
  if (value instanceof Map) return [...value.keys()];
  throw notIterableError(value);
}
