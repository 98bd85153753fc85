import type { JsonObject, JsonValue } from "../json/json-value.ts";
import { embeddingsPart, imagePart, textPart, videoPart } from "../request/content-parts.ts";
import { compileRequest, field, type RequestField, requiredField } from "../request/request-table.ts";
import { optionalObject, optionalText } from "../request/sampling-fields.ts";
import { list } from "../validation/containers.ts";
import { record, required } from "../validation/record.ts";
import { integer } from "../validation/scalars.ts";
import { union } from "../validation/union.ts";
import type { Validator } from "../validation/validator.ts";
import {
  closingFields,
  identityFields,
  padding,
  poolingChecks,
  pythonText,
  truncatePromptTokens,
  useActivation,
} from "./pooling-fields.ts";
import { commonOf, type PoolingCommon } from "./pooling-prompts.ts";
import { parseForms, requestMember } from "./request-member.ts";

/** A text, or an object whose `content` holds parts of several kinds. */
export type ScoreInput = string | JsonObject;

/** One of them or several. */
export type ScoreInputs = ScoreInput | readonly ScoreInput[];

interface ScoringCommon extends PoolingCommon {
  readonly useActivation: boolean | null;
  /** 0 for all of them. */
  readonly maxTokensPerQuery: number | bigint;
  /** 0 for all of them. */
  readonly maxTokensPerDoc: number | bigint;
}

/** A checked body of `POST /score`, whatever its two sides were called. */
export interface ScoreRequest extends ScoringCommon {
  readonly queries: ScoreInputs;
  readonly documents: ScoreInputs;
}

/** A checked body of `POST /rerank`. */
export interface RerankRequest extends ScoringCommon {
  readonly query: ScoreInput;
  readonly documents: ScoreInputs;
  /** 0 for all of them. */
  readonly topN: number | bigint;
}

const mixed = record({
  name: "ScoreMultiModalParam",
  kind: "typed-dict",
  fields: {
    content: required(
      list(
        union(
          imagePart,
          embeddingsPart("ChatCompletionContentPartImageEmbedsParam", "image_embeds"),
          textPart,
          videoPart,
        ),
      ),
    ),
  },
});
const scoreInput = union(pythonText, mixed) as Validator<ScoreInput>;

const oneField: RequestField<ScoreInput> = requiredField(scoreInput);
const severalField: RequestField<ScoreInputs> = requiredField(
  union(pythonText, mixed, list(scoreInput)) as Validator<ScoreInputs>,
);

const commonTable = {
  use_activation: useActivation,
  ...identityFields,
  truncate_prompt_tokens: truncatePromptTokens,
  padding,
  ...closingFields,
  max_tokens_per_query: field(integer(), 0),
  max_tokens_per_doc: field(integer(), 0),
  instruction: optionalText,
  chat_template_kwargs: optionalObject,
} as const;

const documentsTable = { ...commonTable, queries: severalField, documents: severalField } as const;
const itemsTable = { ...commonTable, queries: severalField, items: severalField } as const;
const dataTable = { ...commonTable, data_1: severalField, data_2: severalField } as const;
const textTable = { ...commonTable, text_1: severalField, text_2: severalField } as const;
const rerankTable = {
  ...commonTable,
  query: oneField,
  documents: severalField,
  top_n: field(integer({ atLeast: 0 }), 0),
} as const;

function scoringOf(fields: ScoringCommon): ScoringCommon {
  const { useActivation: activation, maxTokensPerQuery, maxTokensPerDoc } = fields;
  return { ...commonOf(fields), useActivation: activation, maxTokensPerQuery, maxTokensPerDoc };
}

const checks = poolingChecks;

const scoreForms: readonly Validator<ScoreRequest>[] = [
  requestMember(compileRequest({ table: documentsTable, checks }), (fields) => ({
    ...scoringOf(fields),
    queries: fields.queries,
    documents: fields.documents,
  })),
  requestMember(compileRequest({ table: itemsTable, checks }), (fields) => ({
    ...scoringOf(fields),
    queries: fields.queries,
    documents: fields.items,
  })),
  requestMember(compileRequest({ table: dataTable, checks }), (fields) => ({
    ...scoringOf(fields),
    queries: fields.data1,
    documents: fields.data2,
  })),
  requestMember(compileRequest({ table: textTable, checks }), (fields) => ({
    ...scoringOf(fields),
    queries: fields.text1,
    documents: fields.text2,
  })),
];

const rerankForm = requestMember(compileRequest({ table: rerankTable, checks }), (fields): RerankRequest => ({
  ...scoringOf(fields),
  query: fields.query,
  documents: fields.documents,
  topN: fields.topN,
}));

/**
 * Checks and types the body of `POST /score` and `/v1/score` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseScoreRequest(body: JsonValue): ScoreRequest {
  return parseForms(scoreForms, body);
}

/**
 * Checks and types the body of `POST /rerank`, `/v1/rerank` and `/v2/rerank` as vLLM 0.32 does.
 *
 * @throws {@link ApiError} with vLLM's status, text and param.
 */
export function parseRerankRequest(body: JsonValue): RerankRequest {
  return parseForms([rerankForm], body);
}
