import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { priority, requestId } from "../pooling/pooling-fields.ts";
import { checkCacheSalt } from "../request/body-checks.ts";
import {
  compileRequest,
  field,
  type FieldShape,
  parseWith,
  type RequestField,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import { optionalObject, optionalText } from "../request/sampling-fields.ts";
import { dictionary, list } from "../validation/containers.ts";
import { optional, record, required } from "../validation/record.ts";
import { string } from "../validation/scalars.ts";
import { anything, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const links: RequestField<readonly string[] | null> = field(nullable(list(text)), null);

/** One question as it was sent: unknown fields are kept, and refused later. */
const question: Validator<JsonObject> = record({
  name: "QuestionSpec",
  kind: "model",
  fields: { type: required(text), instructions: optional(anything, ""), criteria: optional(anything, null) },
});

const table = {
  model: optionalText,
  state: requiredField(anything),
  questions: requiredField(dictionary(text, question)),
  instructions: optionalText,
  images: links,
  audio: links,
  videos: links,
  chat_template_kwargs: optionalObject,
  cache_salt: optionalText,
  priority,
  request_id: requestId,
} as const;

/** A checked body of `POST /v1/systemone`. */
export interface DecisionRequest extends RequestOf<typeof table> {}

const reader: RequestReader<DecisionRequest> = compileRequest({ table, checks: [checkCacheSalt] });

/** Fields of a request for decisions. */
export const decisionFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /v1/systemone` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseDecisionRequest(body: JsonValue): DecisionRequest {
  return parseWith(reader, body);
}
