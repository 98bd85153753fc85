import { isTruthy } from "../json/python-text.ts";
import type { JsonValue } from "../json/json-value.ts";
import { type GenerationRequest, isChatRequest } from "./draft-sampling.ts";

/**
 * Names of the optional request fields a request really uses, that is with a value that changes the answer. They are
 * the names engine clients use to say what their dialect cannot carry.
 */
export function carriedFields(request: GenerationRequest): string[] {
  const fields: string[] = [];
  const add = (name: string, isUsed: boolean): void => {
    if (isUsed) fields.push(name);
  };
  const constraints = request.structuredOutputs;
  const format = request.responseFormat?.get("type");
  add("allowed_token_ids", request.allowedTokenIds !== null);
  add("bad_words", request.badWords.length > 0);
  add("cache_salt", request.cacheSalt !== null);
  add("ec_transfer_params", isTruthy(object(request.ecTransferParams)));
  add("kv_transfer_params", isTruthy(object(request.kvTransferParams)));
  add("logit_bias", request.logitBias !== null && request.logitBias.size > 0);
  add("logprob_token_ids", request.logprobTokenIds !== null && request.logprobTokenIds.length > 0);
  add("n", request.n !== null && request.n > 1);
  add("priority", Number(request.priority) !== 0);
  add("prompt_embeds", !isChatRequest(request) && request.promptEmbeds !== null);
  add("prompt_logprobs_ranks", request.promptLogprobs !== null);
  add("seed", request.seed !== null && !isInt32(request.seed));
  add("session_id", request.sessionId !== null && request.sessionId !== "");
  add("structured_outputs", constraints !== null || (format !== undefined && format !== "text"));
  add("structured_outputs.disable_any_whitespace", constraints?.get("disable_any_whitespace") === true);
  add("thinking_token_budget", request.thinkingTokenBudget !== null);
  add("vllm_xargs", request.vllmXargs !== null && request.vllmXargs.size > 0);
  return fields;
}

/** The narrowest seed of an engine protocol. */
function isInt32(seed: number | bigint): boolean {
  return seed >= -(2 ** 31) && seed < 2 ** 31;
}

function object(value: ReadonlyMap<string, JsonValue> | null): JsonValue {
  return value === null ? null : (value as Map<string, JsonValue>);
}
