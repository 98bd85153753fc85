import type { JsonObject, JsonValue } from "../json/json-value.ts";
import {
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestField,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import {
  extraFields,
  identityFields,
  logitBias,
  mediaAnswerFields,
  optionalBoolean,
  optionalFloat,
  optionalInteger,
  optionalIntegers,
  optionalObject,
  optionalText,
  samplingFields,
  seed,
  stop,
  structuredOutputsField,
} from "../request/sampling-fields.ts";
import { dictionary, list } from "../validation/containers.ts";
import { boundedFloat } from "../validation/bounded-float.ts";
import { boolean, integer, literal, string } from "../validation/scalars.ts";
import { anything, before, nullable, type Validator } from "../validation/validator.ts";
import { responsesChecks } from "./responses-checks.ts";
import { shape } from "./shapes.ts";

const text = string();

/** A field whose type is in the table of shapes; what is echoed keeps the order of the type's own fields. */
function shaped<T extends JsonValue>(name: string, fallback: T): RequestField<JsonValue> {
  return field(shape(`$${name}`) as Validator<JsonValue>, fallback);
}

const penalty: RequestField<number | null> = {
  ...optionalFloat,
  validator: nullable(boundedFloat({ atLeast: -2, atMost: 2 })),
};

/** Body of `POST /v1/responses`, in the order of vLLM 0.32's `ResponsesRequest`. */
const responsesTable = {
  background: field(nullable(boolean), false),
  include: field(
    nullable(
      list(
        literal(
          "code_interpreter_call.outputs",
          "computer_call_output.output.image_url",
          "file_search_call.results",
          "message.input_image.image_url",
          "message.output_text.logprobs",
          "reasoning.encrypted_content",
        ),
      ),
    ),
    null,
  ),
  input: requiredField(shape("$input") as Validator<JsonValue>),
  instructions: optionalText,
  max_output_tokens: optionalInteger,
  max_tool_calls: optionalInteger,
  metadata: shaped("metadata", null),
  model: optionalText,
  logit_bias: logitBias,
  parallel_tool_calls: field(nullable(boolean), true),
  previous_response_id: optionalText,
  prompt: shaped("prompt", null),
  reasoning: shaped("reasoning", null),
  include_reasoning: field(boolean, true),
  service_tier: field(literal("auto", "default", "flex", "scale", "priority"), "auto"),
  store: field(nullable(boolean), true),
  stream: field(nullable(boolean), false),
  temperature: optionalFloat,
  text: shaped("text", null),
  tool_choice: shaped("tool_choice", "auto"),
  tools: shaped("tools", []),
  top_logprobs: field(
    before((value) => value ?? 0, integer()),
    0,
  ),
  top_p: optionalFloat,
  top_k: optionalInteger,
  min_p: optionalFloat,
  truncation: field(nullable(literal("auto", "disabled")), "disabled"),
  user: optionalText,
  skip_special_tokens: samplingFields.skip_special_tokens,
  include_stop_str_in_output: samplingFields.include_stop_str_in_output,
  presence_penalty: penalty,
  frequency_penalty: penalty,
  prompt_cache_key: optionalText,
  watermarking: optionalBoolean,
  /** Empty when the client gave none: the server makes one up. */
  request_id: identityFields.request_id,
  session_id: optionalText,
  media_io_kwargs: field(nullable(dictionary(text, dictionary(text, anything))), null),
  mm_processor_kwargs: optionalObject,
  priority: identityFields.priority,
  ...mediaAnswerFields,
  cache_salt: extraFields.cache_salt,
  enable_response_messages: field(boolean, false),
  previous_input_messages: field(nullable(list(dictionary(text, anything))), null),
  structured_outputs: structuredOutputsField,
  repetition_penalty: optionalFloat,
  seed,
  stop,
  stop_token_ids: { ...optionalIntegers, fallback: [] },
  ignore_eos: samplingFields.ignore_eos,
  vllm_xargs: extraFields.vllm_xargs,
  kv_transfer_params: optionalObject,
  ec_transfer_params: optionalObject,
  chat_template_kwargs: optionalObject,
} as const;

/** A checked body of `POST /v1/responses`. */
export interface ResponsesRequest extends RequestOf<typeof responsesTable> {
  /** `input` as sent, with what clients may leave out filled in. */
  readonly input: JsonValue;
}

const reader: RequestReader<RequestOf<typeof responsesTable>> = compileRequest({
  table: responsesTable,
  checks: responsesChecks,
});

/** Fields of a request of the Responses API. */
export const responsesFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /v1/responses` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseResponsesRequest(body: JsonValue): ResponsesRequest {
  return parseWith(reader, body);
}

/** Tools as validated: known fields in their order, absent ones null. */
export function toolsOf(request: ResponsesRequest): readonly JsonObject[] {
  return request.tools as readonly JsonObject[];
}
