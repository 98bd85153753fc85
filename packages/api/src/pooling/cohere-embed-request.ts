import { badRequestError } from "../api-error.ts";
import type { JsonObject, JsonValue } from "../json/json-value.ts";
import {
  compileRequest,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
} from "../request/request-table.ts";
import { optionalInteger, optionalText } from "../request/sampling-fields.ts";
import { dictionary, list } from "../validation/containers.ts";
import { type Issues, issueWithContext, raisedIssue } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";
import { optional, record, required } from "../validation/record.ts";
import { literal, string } from "../validation/scalars.ts";
import { after, isIssues, nullable, type ValidationState } from "../validation/validator.ts";
import { identityFields, priority, pythonText } from "./pooling-fields.ts";

const text = string();

/** A content whose kind and payload agree. */
const content = after(
  record({
    name: "CohereEmbedContent",
    kind: "closed-model",
    label: "function-after[CohereEmbedContent]",
    fields: {
      type: required(literal("text", "image_url")),
      text: optional(nullable(text), null),
      image_url: optional(nullable(dictionary(text, text)), null),
    },
  }),
  (value, input) => {
    if (value.get("type") === "text") {
      return (value.get("text") ?? null) === null
        ? raisedIssue("CohereEmbedContent with type='text' requires text", input)
        : undefined;
    }
    const link = value.get("image_url");
    const url = link instanceof Map ? (link as JsonObject).get("url") : undefined;
    return typeof url === "string" && url !== ""
      ? undefined
      : raisedIssue("CohereEmbedContent with type='image_url' requires image_url.url", input);
  },
);

const mixedInput = record({
  name: "CohereEmbedInput",
  kind: "closed-model",
  fields: { content: required(list(content)) },
});

const table = {
  model: identityFields.model,
  input_type: optionalText,
  texts: field(nullable(list(pythonText)), null),
  images: field(nullable(list(text)), null),
  inputs: field(nullable(list(mixedInput)), null),
  output_dimension: optionalInteger,
  embedding_types: field(nullable(list(literal("float", "binary", "ubinary", "base64"))), null),
  truncate: field(literal("NONE", "START", "END"), "END"),
  max_tokens: optionalInteger,
  priority,
} as const;

/** A checked body of `POST /v2/embed`. Exactly one of texts, images and inputs is there. */
export interface CohereEmbedRequest extends RequestOf<typeof table> {}

const reader: RequestReader<CohereEmbedRequest> = compileRequest({ table, checks: [] });

function readCohere(body: JsonValue, state: ValidationState): CohereEmbedRequest | Issues {
  const fields = reader.read(body, state);
  if (isIssues(fields)) return fields;
  const given = [fields.texts, fields.images, fields.inputs].filter((list) => list !== null);
  if (given.length !== 1 || given[0]?.length === 0) {
    return raisedIssue(
      "Exactly one of texts, images, or inputs must be provided, and it must be non-empty",
      body,
    );
  }
  return fields;
}

/**
 * Checks and types the body of `POST /v2/embed` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseCohereEmbedRequest(body: JsonValue): CohereEmbedRequest {
  return parseWith({ read: readCohere }, body);
}

/**
 * Refuses a `max_tokens` that vLLM finds wrong when it has already begun: it makes an embeddings request of the Cohere
 * request, and that one is not valid.
 *
 * @throws {@link ApiError}
 */
export function checkCohereMaxTokens(request: CohereEmbedRequest): void {
  const { maxTokens } = request;
  if (request.truncate === "NONE" || maxTokens === null || maxTokens >= -1) return;
  const found = issueWithContext({
    type: "greater_than_equal",
    message: "Input should be greater than or equal to -1",
    input: maxTokens,
    context: [["ge", -1]],
  }).under("truncate_prompt_tokens");
  const form = request.texts === null ? "EmbeddingBatchChatRequest" : "EmbeddingCompletionRequest";
  throw badRequestError(validationErrorText(form, found));
}
