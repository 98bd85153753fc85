import type { JsonValue } from "../json/json-value.ts";
import { chatRequestShape } from "../request/chat-request.ts";
import { completionRequestShape } from "../request/completion-request.ts";
import {
  compileRequest,
  field,
  parseWith,
  type RequestOf,
  type RequestReader,
  requiredField,
} from "../request/request-table.ts";
import { optionalText } from "../request/sampling-fields.ts";
import { list } from "../validation/containers.ts";
import { Issues, raisedIssue } from "../validation/issue.ts";
import { integer } from "../validation/scalars.ts";
import { isIssues, nullable } from "../validation/validator.ts";
import { constant, generateChunk, generateResponse, naturalNumber } from "./derender-shapes.ts";
import { streamStateShape } from "./derender-state.ts";

const naturals = nullable(list(naturalNumber));
const count = field(nullable(integer()), null);

/** Body of `POST /v1/chat/completions/derender`, whole answers. */
const chatTable = {
  stream: field(constant(false), false),
  model: optionalText,
  generate_response: requiredField(generateResponse),
  prompt_tokens: count,
  prompt_token_ids: field(naturals, null),
  chat_request: field(nullable(chatRequestShape), null),
} as const;

/** The same, one chunk of a stream. */
const chatStreamTable = {
  stream: requiredField(constant(true)),
  model: optionalText,
  generate_chunk: requiredField(generateChunk),
  stream_state: field(nullable(streamStateShape), null),
  prompt_tokens: count,
  prompt_token_ids: field(naturals, null),
  chat_request: field(nullable(chatRequestShape), null),
} as const;

/** Body of `POST /v1/completions/derender`, whole answers: one a prompt. */
const completionTable = {
  stream: field(constant(false), false),
  model: optionalText,
  generate_responses: requiredField(list(generateResponse)),
  prompt_tokens: field(nullable(list(integer())), null),
  prompt_token_ids: field(nullable(list(naturals)), null),
  completion_request: field(nullable(completionRequestShape), null),
} as const;

/** The same, one chunk of a stream. */
const completionStreamTable = {
  stream: requiredField(constant(true)),
  model: optionalText,
  generate_chunk: requiredField(generateChunk),
  stream_state: field(nullable(streamStateShape), null),
  prompt_tokens: count,
  prompt_token_ids: field(naturals, null),
  completion_request: field(nullable(completionRequestShape), null),
} as const;

/** Whole chat answers to derender. */
export type DerenderChatRequest = RequestOf<typeof chatTable>;
/** A chunk of a chat answer to derender. */
export type DerenderChatStreamRequest = RequestOf<typeof chatStreamTable>;
/** Whole completions to derender. */
export type DerenderCompletionRequest = RequestOf<typeof completionTable>;
/** A chunk of a completion to derender. */
export type DerenderCompletionStreamRequest = RequestOf<typeof completionStreamTable>;

const chatReader: RequestReader<DerenderChatRequest> = compileRequest({ table: chatTable, checks: [] });
const chatStreamReader: RequestReader<DerenderChatStreamRequest> = compileRequest({
  table: chatStreamTable,
  checks: [],
});
const completionReader: RequestReader<DerenderCompletionRequest> = compileRequest({
  table: completionTable,
  checks: [],
});
const completionStreamReader: RequestReader<DerenderCompletionStreamRequest> = compileRequest({
  table: completionStreamTable,
  checks: [],
});

/**
 * Checks and types the body of `POST /v1/chat/completions/derender` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's text
 */
export function parseDerenderChat(body: JsonValue): DerenderChatRequest | DerenderChatStreamRequest {
  return parseWith(
    either(
      { ...chatReader, label: "DerenderChatRequest" },
      { ...chatStreamReader, label: "DerenderChatStreamRequest" },
    ),
    body,
  );
}

/**
 * Checks and types the body of `POST /v1/completions/derender` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's text
 */
export function parseDerenderCompletion(
  body: JsonValue,
): DerenderCompletionRequest | DerenderCompletionStreamRequest {
  const whole: Pick<RequestReader<DerenderCompletionRequest>, "read"> = {
    read(raw, state) {
      const request = completionReader.read(raw, state);
      if (isIssues(request)) return request;
      const refusal = lengthRefusal(request);
      return refusal === undefined ? request : raisedIssue(refusal, raw);
    },
  };
  return parseWith(
    either(
      { ...whole, label: "function-after[DerenderCompletionRequest]" },
      { ...completionStreamReader, label: "DerenderCompletionStreamRequest" },
    ),
    body,
  );
}

function lengthRefusal(request: DerenderCompletionRequest): string | undefined {
  const { generateResponses, promptTokens, promptTokenIds } = request;
  const expected = generateResponses.length;
  for (const [name, given] of [
    ["prompt_tokens", promptTokens],
    ["prompt_token_ids", promptTokenIds],
  ] as const) {
    if (given !== null && given.length !== expected) {
      return `${name} length (${given.length}) must equal generate_responses length (${expected})`;
    }
  }
  return undefined;
}

interface Member<T> extends Pick<RequestReader<T>, "read"> {
  readonly label: string;
}

/** Whichever of two kinds a body is; they never both fit, since `stream` tells them apart. */
function either<A, B>(first: Member<A>, second: Member<B>): Pick<RequestReader<A | B>, "read"> {
  return {
    read(body, state) {
      const one = first.read(body, state);
      if (!isIssues(one)) return one;
      const other = second.read(body, state);
      if (!isIssues(other)) return other;
      return new Issues([...one.under(first.label).list, ...other.under(second.label).list]);
    },
  };
}
