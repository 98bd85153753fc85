import type { JsonValue } from "../json/json-value.ts";
import { checkCacheSalt } from "../request/body-checks.ts";
import {
  compileRequest,
  type FieldShape,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import { optionalText } from "../request/sampling-fields.ts";
import { list } from "../validation/containers.ts";
import { boolean, integer } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { priority, pythonText, requestId } from "./pooling-fields.ts";

const ids = list(integer());

const table = {
  model: optionalText,
  query: requiredField(union(pythonText, ids)),
  items: requiredField(union(list(pythonText), list(ids))),
  label_token_ids: requiredField(ids),
  apply_softmax: field(boolean, true),
  item_first: field(boolean, false),
  add_special_tokens: field(boolean, true),
  cache_salt: optionalText,
  priority,
  request_id: requestId,
} as const;

/** A checked body of `POST /generative_scoring`. */
export interface GenerativeScoringRequest extends RequestOf<typeof table> {}

const reader: RequestReader<GenerativeScoringRequest> = compileRequest({ table, checks: [checkCacheSalt] });

/** Fields of a request to score by generating. */
export const generativeScoringFields: readonly FieldShape[] = reader.fields;

/**
 * Checks and types the body of `POST /generative_scoring` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseGenerativeScoringRequest(body: JsonValue): GenerativeScoringRequest {
  return parseWith(reader, body);
}
