import {
  badRequestError,
  cosineSimilarity,
  notImplementedError,
  type PooledPrompt,
  rerankBody,
  type RerankRequest,
  scoreBody,
  type ScoreInputs,
  type ScoreRequest,
  unsupportedFieldError,
  validationError,
} from "@vllm-router/api";
import type { EmbeddingPlan } from "./embedding-plan.ts";
import { checkedTokenIds, encodePoolingText, type PoolingModel } from "./encode-pooling-prompt.ts";
import { planHead, type PoolingEnvelope } from "./pooling-envelope.ts";
import { checkPoolingRequest } from "./prepare-embedding.ts";
import { truncateTextToTokens } from "./truncate-text.ts";

/**
 * Makes the plan of a score request: every text is embedded, a score is the cosine between two.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareScore(request: ScoreRequest, envelope: PoolingEnvelope): EmbeddingPlan {
  return preparePairs(request, envelope, {
    sides: [request.queries, request.documents],
    body: (answer) => scoreBody(answer, envelope.created),
  });
}

/**
 * Makes the plan of a rerank request.
 * @throws ApiError with vLLM's text, in vLLM's order of checks
 */
export function prepareRerank(request: RerankRequest, envelope: PoolingEnvelope): EmbeddingPlan {
  const documents = asList(request.documents);
  return preparePairs(request, envelope, {
    sides: [request.query, request.documents],
    body: (answer) => rerankBody(answer, documents as readonly string[], Number(request.topN)),
  });
}

interface Pairs {
  readonly sides: readonly [ScoreInputs, ScoreInputs];
  readonly body: (answer: {
    readonly id: string;
    readonly model: string;
    readonly scores: readonly number[];
    readonly promptTokens: number;
  }) => string;
}

function preparePairs(
  request: ScoreRequest | RerankRequest,
  envelope: PoolingEnvelope,
  { sides, body }: Pairs,
): EmbeddingPlan {
  const { model } = envelope;
  checkPoolingRequest(request, envelope);
  if (model.pooling.embeddingSize === undefined) {
    throw notImplementedError("The engine's protocol cannot carry the scoring of this model.");
  }
  const queries = textsOf(sides[0], model, "queries");
  const documents = textsOf(sides[1], model, "documents");
  checkLengths(queries, documents);
  checkTokenLimit("max_tokens_per_query", request.maxTokensPerQuery, model);
  checkTokenLimit("max_tokens_per_doc", request.maxTokensPerDoc, model);
  const cut = (texts: readonly string[], limit: number | bigint): readonly string[] =>
    limit > 0 ? texts.map((text) => truncateTextToTokens(text, Number(limit), model.tokenizer)) : texts;
  const texts = [...cut(queries, request.maxTokensPerQuery), ...cut(documents, request.maxTokensPerDoc)];
  const encoded = texts.map((text) => encodePoolingText(text, true, { fitting: request, model }));
  const prompts = encoded.map((tokenIds) => checkedTokenIds(tokenIds, model));
  const head = planHead(envelope, "score");
  return {
    ...head,
    prompts,
    answer: (pooled) => ({
      body: body({
        id: head.responseId,
        model: model.servedNames[0] ?? "",
        scores: scoresOf(pooled, queries.length),
        promptTokens: prompts.reduce((sum, prompt) => sum + prompt.length, 0),
      }),
      contentType: "application/json",
      metadata: undefined,
    }),
  };
}

function scoresOf(pooled: readonly PooledPrompt[], queryCount: number): readonly number[] {
  const queries = pooled.slice(0, queryCount);
  return pooled.slice(queryCount).map((document, index) => {
    const query = (queryCount === 1 ? queries[0] : queries[index]) as PooledPrompt;
    return cosineSimilarity(query.values, document.values);
  });
}

function asList(inputs: ScoreInputs): readonly (string | object)[] {
  return Array.isArray(inputs) ? inputs : [inputs as string | object];
}

function textsOf(inputs: ScoreInputs, { pooling }: PoolingModel, field: string): readonly string[] {
  return asList(inputs).map((input) => {
    if (typeof input === "string") {
      return input;
    }
    throw pooling.isMultimodal
      ? unsupportedFieldError(field)
      : validationError(`MultiModalParam is not supported for ${pooling.architecture}`);
  });
}

function checkLengths(queries: readonly string[], documents: readonly string[]): void {
  if (queries.length > 1 && queries.length !== documents.length) {
    throw validationError("Input lengths must be either 1:1, 1:N or N:N");
  }
  if (queries.length === 0) {
    throw validationError("At least one text element must be given");
  }
  if (documents.length === 0) {
    throw validationError("At least one text_pair element must be given");
  }
}

function checkTokenLimit(name: string, limit: number | bigint, { maxModelLength }: PoolingModel): void {
  if (limit < 0) {
    throw badRequestError(`${name} must be a non-negative integer`);
  }
  if (limit >= maxModelLength) {
    throw badRequestError(`${name} (${limit}) must be less than max_model_len (${maxModelLength}).`);
  }
}
