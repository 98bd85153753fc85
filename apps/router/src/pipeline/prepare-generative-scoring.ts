import {
  badRequestError,
  checkEnginePrompt,
  createGenerativeScoringWriter,
  type GenerativeScoringRequest,
  validationError,
} from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import { alternativesFor, planLabelReads } from "./label-reads.ts";
import type { RequestPlan } from "./plan.ts";
import type { RequestEnvelope } from "./request-envelope.ts";
import { checkEncodable } from "./encodable-text.ts";
import { takeWideIds } from "./wide-ids.ts";

/** vLLM's limit of labels where logprobs have none. */
const MOST_LABELS = 128;

/**
 * Makes the plan of a generative scoring request: one token per item, forced to be the first label, tells that label's
 * logprob and those of the likeliest tokens. Labels not among them are forced in calls of their own.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareGenerativeScoring(
  request: GenerativeScoringRequest,
  envelope: RequestEnvelope,
): RequestPlan {
  const { model, settings } = envelope;
  const labels = checkedLabels(request, model);
  if (request.items.length === 0) {
    throw badRequestError("items must contain at least one item.");
  }
  const items = itemTokens(request, model);
  checkLabelCount(request.labelTokenIds.length, settings.maxLogprobs);
  for (const tokenIds of items) {
    checkPrompt(tokenIds, model);
  }
  const writer = createGenerativeScoringWriter({
    identity: {
      id: envelope.responseId,
      created: envelope.created,
      model: model.servedNames[0] ?? "",
      systemFingerprint: null,
    },
    labels,
    applySoftmax: request.applySoftmax,
    promptTokens: items.map((tokenIds) => tokenIds.length),
  });
  const alternatives = request.applySoftmax && labels.length > 1 ? alternativesFor(settings.maxLogprobs) : 0;
  return planLabelReads(writer, { request, envelope, items, alternatives });
}

function checkedLabels(
  { labelTokenIds }: GenerativeScoringRequest,
  { vocabularySize }: ModelRuntime,
): readonly number[] {
  for (const id of labelTokenIds) {
    if (id < 0 || id >= vocabularySize) {
      throw badRequestError(
        `label_token_id ${id} is out of vocabulary range [0, ${vocabularySize}). Please provide valid token IDs.`,
      );
    }
  }
  if (labelTokenIds.length === 0) {
    throw badRequestError("label_token_ids must contain at least one token ID.");
  }
  return labelTokenIds.map(Number);
}

function checkLabelCount(count: number, maxLogprobs: number): void {
  if (maxLogprobs >= 0 && count > maxLogprobs) {
    throw validationError(
      `Requested sample logprobs of ${count}, which is greater than max allowed: ${maxLogprobs}`,
      "logprobs",
      count,
    );
  }
  if (count > MOST_LABELS) {
    throw validationError(
      `Requested logprob_token_ids of length ${count}, which is greater than max allowed: ${MOST_LABELS}`,
      "logprob_token_ids",
      count,
    );
  }
}

/** The tokens of every item with the query, cut so that one token of output has room. */
function itemTokens(request: GenerativeScoringRequest, model: ModelRuntime): readonly Int32Array[] {
  const encode = (text: string | readonly (number | bigint)[], special: boolean): Int32Array =>
    typeof text === "string" ? encodeText(text, special, model) : takeWideIds(text);
  const query = encode(request.query, request.addSpecialTokens);
  return request.items.map((item) => {
    const own = encode(item, false);
    const [head, tail] = request.itemFirst ? [own, query] : [query, own];
    const joined = new Int32Array(head.length + tail.length);
    joined.set(head);
    joined.set(tail, head.length);
    return joined.subarray(0, model.maxModelLength - 1);
  });
}

function encodeText(text: string, special: boolean, model: ModelRuntime): Int32Array {
  checkEncodable(text);
  return model.tokenizer.encode(text, special);
}

function checkPrompt(tokenIds: Int32Array, model: ModelRuntime): void {
  const maxTokenId = Math.max(model.vocabularySize, model.tokenizer.vocabularySize) - 1;
  checkEnginePrompt(tokenIds, { maxModelLength: model.maxModelLength, maxTokenId });
}
