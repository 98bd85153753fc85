import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { isTruthy } from "../json/python-text.ts";
import { applyMediaPayloadAlias } from "../request/body-checks.ts";
import {
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import {
  extraFields,
  MAX_STOP_STRINGS,
  mediaAnswerFields,
  optionalBoolean,
  optionalFloat,
  optionalInteger,
  optionalObject,
} from "../request/sampling-fields.ts";
import { after } from "../validation/after.ts";
import { dictionary, list } from "../validation/containers.ts";
import { type Issues, raisedIssue } from "../validation/issue.ts";
import { optional, record, required } from "../validation/record.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { taggedUnion } from "../validation/tagged-union.ts";
import { anything, isIssues, nullable, type ValidationState } from "../validation/validator.ts";
import { anthropicMessage, anthropicTool, blockContent, toolChangeRefusal } from "./content-block.ts";

const text = string();
const display = optional(nullable(literal("summarized", "omitted", "updates")));

const outputConfig = record({
  name: "AnthropicOutputConfig",
  kind: "closed-model",
  fields: {
    effort: optional(nullable(literal("low", "medium", "high", "xhigh", "max"))),
    format: optional(
      nullable(
        record({
          name: "AnthropicJsonOutputFormat",
          kind: "closed-model",
          fields: {
            schema: optional(nullable(dictionary(text, anything))),
            type: optional(literal("json_schema"), "json_schema"),
          },
        }),
      ),
    ),
  },
});

const thinking = taggedUnion({
  enabled: record({
    name: "AnthropicThinkingConfigEnabled",
    kind: "closed-model",
    fields: {
      type: required(literal("enabled")),
      budget_tokens: required(integer({ atLeast: 1024 })),
      display,
    },
  }),
  disabled: record({
    name: "AnthropicThinkingConfigDisabled",
    kind: "closed-model",
    fields: { type: required(literal("disabled")) },
  }),
  adaptive: record({
    name: "AnthropicThinkingConfigAdaptive",
    kind: "closed-model",
    fields: { type: required(literal("adaptive")), display },
  }),
});

const toolChoice = after(
  record({
    name: "AnthropicToolChoice",
    kind: "closed-model",
    fields: {
      type: required(literal("auto", "any", "tool", "none")),
      name: optional(nullable(text)),
      disable_parallel_tool_use: optional(nullable(boolean)),
    },
  }),
  (choice) =>
    choice.get("type") === "tool" && (choice.get("name") ?? "") === ""
      ? "tool_choice.name is required when type is 'tool'"
      : undefined,
);

const system = nullable(after(blockContent, toolChangeRefusal));

/** Fields that both requests have. */
const model = requiredField(after(text, (name) => (name === "" ? "Model is required" : undefined)));
const messages = requiredField(list(anthropicMessage));

/** Body of `POST /v1/messages`, in the order of vLLM 0.32's `AnthropicMessagesRequest`. */
const messagesTable = {
  model,
  messages,
  max_tokens: requiredField(
    after(integer(), (count) => (count <= 0 ? "max_tokens must be positive" : undefined)),
  ),
  metadata: optionalObject,
  output_config: field(nullable(outputConfig), null),
  thinking: field(nullable(thinking), null),
  stop_sequences: field(nullable(list(text, { maxLength: MAX_STOP_STRINGS })), null),
  stream: field(nullable(boolean), false),
  system: field(system, null),
  temperature: optionalFloat,
  tool_choice: field(nullable(toolChoice), null),
  tools: field(nullable(list(anthropicTool)), null),
  top_k: optionalInteger,
  top_p: optionalFloat,
  ...mediaAnswerFields,
  cache_salt: extraFields.cache_salt,
  watermarking: optionalBoolean,
  kv_transfer_params: optionalObject,
  ec_transfer_params: optionalObject,
  vllm_xargs: extraFields.vllm_xargs,
  chat_template_kwargs: optionalObject,
} as const;

/** Body of `POST /v1/messages/count_tokens`, in vLLM's order. */
const countTokensTable = {
  model,
  messages,
  output_config: field(nullable(outputConfig), null),
  system: field(system, null),
  thinking: field(nullable(thinking), null),
  tool_choice: field(nullable(toolChoice), null),
  tools: field(nullable(list(anthropicTool)), null),
  chat_template_kwargs: optionalObject,
} as const;

/** A checked body of `POST /v1/messages`. */
export type MessagesRequest = RequestOf<typeof messagesTable>;
/** A checked body of `POST /v1/messages/count_tokens`. */
export type CountTokensRequest = RequestOf<typeof countTokensTable>;

const messagesReader: RequestReader<MessagesRequest> = compileRequest({
  table: messagesTable,
  checks: [applyMediaPayloadAlias],
});

/** Fields of a request of the Messages API. */
export const messagesFields: readonly FieldShape[] = messagesReader.fields;
const countTokensReader: RequestReader<CountTokensRequest> = compileRequest({
  table: countTokensTable,
  checks: [],
});

/** Fields of a request to count tokens. */
export const countTokensFields: readonly FieldShape[] = countTokensReader.fields;

/**
 * Checks and types the body of `POST /v1/messages` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param; its body is in OpenAI's shape.
 */
export function parseMessagesRequest(body: JsonValue): MessagesRequest {
  return parseWith({ read: readMessagesRequest }, body);
}

/**
 * Checks and types the body of `POST /v1/messages/count_tokens` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} as {@link parseMessagesRequest} does.
 */
export function parseCountTokensRequest(body: JsonValue): CountTokensRequest {
  return parseWith(countTokensReader, body);
}

function readMessagesRequest(body: JsonValue, state: ValidationState): MessagesRequest | Issues {
  const request = messagesReader.read(body, state);
  return isIssues(request) || !exceedsItsBudget(request)
    ? request
    : raisedIssue("thinking.budget_tokens must be less than max_tokens", body);
}

/** A prefill leg decodes one token only: its budget is the decode leg's affair. */
function exceedsItsBudget(request: MessagesRequest): boolean {
  const params: JsonObject | null = request.kvTransferParams as JsonObject | null;
  const isPrefill = isTruthy(params?.get("do_remote_decode"));
  const budget = request.thinking?.get("budget_tokens");
  return !isPrefill && budget !== undefined && (budget as number | bigint) >= request.maxTokens;
}
