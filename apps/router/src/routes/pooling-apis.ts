import {
  type CohereEmbedRequest,
  type EmbeddingRequest,
  parseCohereEmbedRequest,
  parseEmbeddingRequest,
  parsePoolingRequest,
  parseRerankRequest,
  parseScoreRequest,
  type PoolingRequest,
  type RerankRequest,
  type ScoreRequest,
} from "@vllm-router/api";
import type { OptionalField } from "@vllm-router/engine-client";
import type { FieldContext } from "../pipeline/engine-fields.ts";
import { prepareCohereEmbedding } from "../pipeline/prepare-cohere-embedding.ts";
import { prepareEmbedding, preparePooling } from "../pipeline/prepare-embedding.ts";
import { prepareRerank, prepareScore } from "../pipeline/prepare-scoring.ts";
import type { PoolingApi } from "./pooling-route.ts";

/** The fields of a pooling request that an engine would have to carry. */
function requiredFields(
  request: {
    readonly priority: number | bigint;
    readonly cacheSalt?: string | null;
    readonly useActivation?: boolean | null;
  },
  { ignoresPriority }: FieldContext,
): readonly OptionalField[] {
  return [
    ...(ignoresPriority === true || Number(request.priority) === 0 ? [] : ["priority" as const]),
    ...((request.cacheSalt ?? null) === null ? [] : ["cache_salt" as const]),
    ...(request.useActivation === false ? ["use_activation" as const] : []),
  ];
}

/** A cosine is the same with and without activation. */
function requiredForScore(
  request: ScoreRequest | RerankRequest,
  context: FieldContext,
): readonly OptionalField[] {
  return requiredFields({ ...request, useActivation: null }, context);
}

/** `POST /v1/embeddings`. */
export const EMBEDDINGS: PoolingApi<EmbeddingRequest> = {
  task: "embed",
  parse: parseEmbeddingRequest,
  requiredFields,
  prepare: prepareEmbedding,
};

/** `POST /v2/embed`. */
export const COHERE_EMBED: PoolingApi<CohereEmbedRequest> = {
  task: "embed",
  parse: parseCohereEmbedRequest,
  requiredFields,
  prepare: prepareCohereEmbedding,
};

/** `POST /pooling`. */
export const POOLING: PoolingApi<PoolingRequest> = {
  task: "pooling",
  parse: parsePoolingRequest,
  requiredFields,
  prepare: preparePooling,
};

/** `POST /score` and `/v1/score`. */
export const SCORE: PoolingApi<ScoreRequest> = {
  task: "scoring",
  parse: parseScoreRequest,
  requiredFields: requiredForScore,
  prepare: prepareScore,
};

/** `POST /rerank`, `/v1/rerank` and `/v2/rerank`. */
export const RERANK: PoolingApi<RerankRequest> = {
  task: "scoring",
  parse: parseRerankRequest,
  requiredFields: requiredForScore,
  prepare: prepareRerank,
};
