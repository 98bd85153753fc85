import { JsonFloat, type JsonObject, type JsonValue } from "../json/json-value.ts";
import { after } from "../validation/after.ts";
import { dictionary, list } from "../validation/containers.ts";
import { issueWithContext } from "../validation/issue.ts";
import { optional, record, required } from "../validation/record.ts";
import { float, integer, literal, string } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import { anything, isIssues, nullable, type Validator } from "../validation/validator.ts";

const text = string();
const number = integer();
const optionalText = optional(nullable(text), null);
const optionalObject = optional(nullable(dictionary(text, anything)), null);

/** A token id that cannot be negative. */
export const naturalNumber: Validator<number> = converted(integer({ atLeast: 0 }), Number);

/** One word, `true` or `false`, and nothing else; as in Python 1 and 0 are the same words. */
export function constant<const T extends boolean>(word: T): Validator<T> {
  const expected = word ? "True" : "False";
  return {
    label: `literal[${expected}]`,
    validate(input) {
      if (input === word || input === Number(word)) return word;
      return issueWithContext({
        type: "literal_error",
        message: `Input should be ${expected}`,
        input,
        context: [["expected", expected]],
      });
    },
  };
}

/** A validator whose value is made into something handier. */
export function converted<T, U>(validator: Validator<T>, convert: (value: T) => U): Validator<U> {
  return {
    label: validator.label,
    validate(input, state) {
      const value = validator.validate(input, state);
      return isIssues(value) ? value : convert(value);
    },
  };
}

/** A token with its logprob, by its id. */
export interface GeneratedLogprob {
  readonly tokenId: number;
  readonly logprob: number;
}

/** A sampled token with its alternatives. */
export interface GeneratedPosition extends GeneratedLogprob {
  readonly top: readonly GeneratedLogprob[];
}

/** One sequence, or its next piece, as `/inference/v1/generate` tells it. */
export interface GeneratedChoice {
  readonly index: number;
  readonly finishReason: string | null;
  /** JSON text. */
  readonly stopReason: JsonValue;
  readonly tokenIds: readonly number[] | null;
  /** Undefined where there are none, null where they are empty. */
  readonly logprobs: readonly GeneratedPosition[] | null | undefined;
}

/** What `/inference/v1/generate` answered, as far as it is read. */
export interface GeneratedResponse {
  /** Undefined where the body does not say: the server makes one up. */
  readonly requestId: string | undefined;
  readonly choices: readonly GeneratedChoice[];
  readonly promptTokenIds: readonly number[] | null;
  /** As JSON. */
  readonly promptLogprobs: readonly JsonValue[] | null;
  readonly kvTransferParams: JsonValue;
  readonly metrics: JsonValue;
  /** Undefined where there is none. */
  readonly usage: { readonly promptTokens: number; readonly completionTokens: number } | undefined;
}

const logprobFields = {
  token_id: required(number),
  logprob: required(float),
  rank: optional(nullable(number), null),
} as const;
const logprob = record({ name: "GenerateLogProb", kind: "closed-model", fields: logprobFields });
const position = record({
  name: "GenerateLogProbsContent",
  kind: "closed-model",
  fields: { ...logprobFields, top_logprobs: optional(list(logprob), []) },
});
const logprobs = record({
  name: "GenerateLogProbs",
  kind: "closed-model",
  fields: { content: optional(nullable(list(position)), null) },
});
const outputIds = after(nullable(list(number)), (ids) =>
  ids?.some((id) => id < 0) === true ? "token_ids must not contain negative values" : undefined,
);
const version = record({
  name: "WeightVersionSpan",
  kind: "closed-model",
  fields: { version: required(text), start: required(number), end: required(number) },
});

function choice(name: string, defaultReason: string | null): Validator<JsonObject> {
  return record({
    name,
    kind: "closed-model",
    fields: {
      index: required(number),
      finish_reason: optional(nullable(text), defaultReason),
      stop_reason: optional(nullable(union(number, text)), null),
      token_ids: optional(outputIds, null),
      routed_experts: optionalText,
      sampling_mask: optional(nullable(list(list(number))), null),
      weight_versions: optional(nullable(list(version)), null),
      logprobs: optional(nullable(logprobs), null),
    },
  });
}

const usage = record({
  name: "UsageInfo",
  kind: "closed-model",
  fields: {
    prompt_tokens: optional(number, 0),
    total_tokens: optional(number, 0),
    completion_tokens: optional(nullable(number), 0),
    prompt_tokens_details: optionalObject,
    completion_tokens_details: optionalObject,
  },
});
const optionalFloat = optional(nullable(float), null);
const metrics = record({
  name: "PerRequestMetrics",
  kind: "closed-model",
  fields: {
    time_to_first_token_ms: optionalFloat,
    generation_time_ms: optionalFloat,
    queue_time_ms: optionalFloat,
    mean_itl_ms: optionalFloat,
    tokens_per_second: optionalFloat,
    speculative_decoding: optionalObject,
  },
});
const promptLogprob = record({
  name: "Logprob",
  kind: "dataclass",
  fields: { logprob: required(float), rank: optional(nullable(number), null), decoded_token: optionalText },
});
const shared = {
  request_id: optional(text),
  usage: optional(nullable(usage), null),
  prompt_token_ids: optional(nullable(list(integer({ atLeast: 0 }))), null),
  mm_placeholders: optionalObject,
  metrics: optional(nullable(metrics), null),
  output_mode: optional(literal("tokens"), "tokens"),
} as const;

/** A whole answer of `/inference/v1/generate` in ids. */
export const generateResponse: Validator<GeneratedResponse> = converted(
  record({
    name: "GenerateTokensResponse",
    kind: "closed-model",
    fields: {
      ...shared,
      model: optionalText,
      created: optional(nullable(number), null),
      prompt_logprobs: optional(nullable(list(nullable(dictionary(text, promptLogprob)))), null),
      prompt_token_id_logprobs: optionalText,
      kv_transfer_params: optionalObject,
      ec_transfer_params: optionalObject,
      choices: required(list(choice("GenerateTokensChoice", "stop"))),
    },
  }),
  responseOf,
);

/** A chunk of `/inference/v1/generate` in ids. */
export const generateChunk: Validator<GeneratedResponse> = converted(
  record({
    name: "GenerateTokensStreamResponse",
    kind: "closed-model",
    fields: { ...shared, choices: required(list(choice("GenerateTokensStreamChoice", null))) },
  }),
  responseOf,
);

function responseOf(body: JsonObject): GeneratedResponse {
  const counts = body.get("usage") as JsonObject | null;
  const id = body.get("request_id");
  return {
    requestId: typeof id === "string" ? id : undefined,
    choices: (body.get("choices") as readonly JsonObject[]).map(choiceOf),
    promptTokenIds: idsOf(body.get("prompt_token_ids")),
    promptLogprobs: (body.get("prompt_logprobs") ?? null) as readonly JsonValue[] | null,
    kvTransferParams: body.get("kv_transfer_params") ?? null,
    metrics: body.get("metrics") ?? null,
    usage:
      counts === null
        ? undefined
        : {
            promptTokens: Number(counts.get("prompt_tokens")),
            completionTokens: Number(counts.get("completion_tokens") ?? 0),
          },
  };
}

function choiceOf(body: JsonObject): GeneratedChoice {
  const given = body.get("logprobs") as JsonObject | null;
  const content = given?.get("content") as readonly JsonObject[] | null | undefined;
  return {
    index: Number(body.get("index")),
    finishReason: body.get("finish_reason") as string | null,
    stopReason: body.get("stop_reason") ?? null,
    tokenIds: idsOf(body.get("token_ids")),
    logprobs:
      content?.map((entry) => ({
        ...logprobOf(entry),
        top: (entry.get("top_logprobs") as readonly JsonObject[]).map(logprobOf),
      })) ?? (given === null ? undefined : null),
  };
}

function logprobOf(entry: JsonObject): GeneratedLogprob {
  const value = entry.get("logprob");
  return {
    tokenId: Number(entry.get("token_id")),
    logprob: value instanceof JsonFloat ? value.value : Number(value),
  };
}

function idsOf(value: JsonValue | undefined): readonly number[] | null {
  return value === null || value === undefined ? null : (value as readonly JsonValue[]).map(Number);
}
