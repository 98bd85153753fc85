import { type ApiError, streamErrorBody } from "../api-error.ts";
import type { JsonObject } from "../json/json-value.ts";
import { parseJson } from "../json/parse-json.ts";
import { quoteJson } from "../json/string-text.ts";
import { sanitizeMessage } from "../sanitize-message.ts";
import { issue, Issues } from "../validation/issue.ts";
import { validationErrorText } from "../validation/issue-text.ts";

/** Body of an error answer in Anthropic's shape: `{"type":"error","error":{"type","message"}}`. */
export function anthropicErrorBody(error: ApiError): string {
  return `{"type":"error","error":{"type":${quoteJson(error.type)},"message":${quoteJson(sanitizeMessage(error.message))}}}`;
}

/**
 * Text of the `error` event of a stream. vLLM reads its own chat stream and finds that the error is no chunk; that
 * complaint, with the first words of the error, is what it tells the client.
 */
export function messageStreamErrorText(error: ApiError): string {
  const chunk = parseJson(streamErrorBody(error)) as JsonObject;
  const missing = ["model", "choices"].flatMap(
    (name) => issue("missing", "Field required", chunk).under(name).list,
  );
  const text = validationErrorText("ChatCompletionStreamResponse", new Issues(missing));
  return `{"type":"error","error":{"type":"internal_error","message":${quoteJson(sanitizeMessage(text))}}}`;
}
