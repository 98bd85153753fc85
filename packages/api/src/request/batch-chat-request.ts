import { validationError } from "../api-error.ts";
import { isTruthy } from "../json/python-text.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { dictionary, list } from "../validation/containers.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { anything, nullable } from "../validation/validator.ts";
import { checkResponseFormat, checkStructuralTag } from "./body-checks.ts";
import { type ChatRequest, convertedChatRequest } from "./chat-request.ts";
import { chatMessage } from "./messages.ts";
import {
  type BodyCheck,
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "./request-table.ts";
import {
  logitBias,
  optionalBoolean,
  optionalFloat,
  optionalInteger,
  optionalIntegers,
  optionalObject,
  optionalText,
  seed,
  stop,
  structuredOutputsField,
} from "./sampling-fields.ts";

/** Body of `POST /v1/chat/completions/batch`, in the order of vLLM 0.32's `BatchChatCompletionRequest`. */
const batchTable = {
  messages: requiredField(list(list(chatMessage, { minLength: 1 }), { minLength: 1 })),
  model: optionalText,
  frequency_penalty: optionalFloat,
  logit_bias: logitBias,
  logprobs: field(nullable(boolean), false),
  top_logprobs: optionalInteger,
  logprob_token_ids: optionalIntegers,
  max_tokens: optionalInteger,
  max_completion_tokens: optionalInteger,
  n: field(nullable(integer()), 1),
  presence_penalty: optionalFloat,
  response_format: field(nullable(anything), null),
  seed,
  stop,
  temperature: optionalFloat,
  top_p: optionalFloat,
  user: optionalText,
  tool_choice: field(nullable(literal("none")), "none"),
  include_reasoning: field(boolean, true),
  best_of: optionalInteger,
  use_beam_search: field(boolean, false),
  top_k: optionalInteger,
  min_p: optionalFloat,
  repetition_penalty: optionalFloat,
  watermarking: optionalBoolean,
  length_penalty: optionalFloat,
  early_stopping: field(boolean, false),
  structured_outputs: structuredOutputsField,
  request_id: optionalText,
  add_generation_prompt: field(boolean, true),
  continue_final_message: field(boolean, false),
  chat_template: optionalText,
  chat_template_kwargs: optionalObject,
  media_io_kwargs: field(nullable(dictionary(string(), dictionary(string(), anything))), null),
  mm_processor_kwargs: optionalObject,
  priority: field(integer(), 0),
  cache_salt: field(nullable(string()), null),
  include_stop_str_in_output: field(boolean, false),
  guided_decoding_backend: optionalText,
  echo: field(boolean, false),
  return_tokens_as_token_ids: optionalBoolean,
  return_token_ids: field(boolean, false),
} as const;

type BatchFields = RequestOf<typeof batchTable>;

/** A checked batch: several conversations that share everything else. */
export interface BatchChatRequest {
  readonly model: string | null;
  readonly requestId: string | null;
  readonly user: string | null;
  readonly sessionId: string | null;
  /** One ordinary chat request per conversation, never streaming. At least one. */
  readonly conversations: readonly ChatRequest[];
}

/** In the order in which vLLM 0.32 runs them. */
function checkBatchMode(body: JsonObject): JsonObject {
  if (isTruthy(body.get("use_beam_search"))) {
    throw validationError(
      "Batch chat completions do not support beam search. Please set `use_beam_search` to False.",
      "use_beam_search",
    );
  }
  if (isTruthy(body.get("logprob_token_ids")) && !isTruthy(body.get("logprobs"))) {
    throw validationError(
      "when using `logprob_token_ids`, `logprobs` must be set to true.",
      "logprob_token_ids",
    );
  }
  const params = body.get("kv_transfer_params");
  if (params instanceof Map && (params.get("prompt_token_ids") ?? null) !== null) {
    throw validationError(
      "Batch chat completions do not support `kv_transfer_params['prompt_token_ids']`: one pre-tokenized prompt cannot " +
        "serve several conversations.",
      "kv_transfer_params.prompt_token_ids",
    );
  }
  const structuredOutputs = body.get("structured_outputs");
  if (structuredOutputs instanceof Map) checkStructuralTag(structuredOutputs as JsonObject);
  const n = body.get("n") ?? 1;
  if (n !== 1) {
    throw validationError("Batch chat completions do not support `n > 1`. Please set `n` to 1.", "n", n);
  }
  return body;
}

const checks: readonly BodyCheck[] = [
  (body) => (isStructuralTag(body.get("response_format")) ? checkResponseFormat(body) : body),
  checkBatchMode,
];

const reader: RequestReader<BatchFields> = compileRequest({ table: batchTable, checks });

/** Fields of a batch of chats. */
export const batchChatFields: readonly FieldShape[] = reader.fields;

/** Fields that say nothing to a single conversation, and those of streams where one is asked for: there is none. */
function isShared(name: string, body: JsonObject): boolean {
  return (
    name !== "messages" && name !== "stream" && (name !== "stream_options" || body.get("stream") !== true)
  );
}

/** What a conversation is told where the batch says nothing, and its own table would know it by another default. */
const TOLD: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ["logprobs", false],
  ["tool_choice", "none"],
  ["add_generation_prompt", true],
  ["continue_final_message", false],
]);

/**
 * Checks the body of `POST /v1/chat/completions/batch` and makes one chat request of each conversation. Fields that the
 * batch does not know are those of chats; but nothing is streamed, and no conversation shows the model its tools.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseBatchChatRequest(body: JsonValue): BatchChatRequest {
  const fields = parseWith(reader, body);
  const given = [...(body as JsonObject)].filter(
    ([name, value]) => value !== null && isShared(name, body as JsonObject),
  );
  const shared = new Map<string, JsonValue>([
    ...[...TOLD].filter(([name]) => !(body as JsonObject).has(name)),
    ...given,
  ]);
  const conversations = (body as JsonObject).get("messages") as readonly JsonValue[];
  return {
    model: fields.model,
    requestId: fields.requestId,
    user: fields.user,
    sessionId: null,
    conversations: conversations.map((messages) => ({
      ...convertedChatRequest(new Map(shared).set("messages", messages)),
      tools: null,
    })),
  };
}

function isStructuralTag(format: JsonValue | undefined): boolean {
  return format instanceof Map && format.get("type") === "structural_tag";
}
