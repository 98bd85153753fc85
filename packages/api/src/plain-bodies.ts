import { quoteJson } from "./json/string-text.ts";

/** Body of an unknown path (404), which is not in OpenAI's shape. */
export const NOT_FOUND_BODY = '{"detail":"Not Found"}';

/** Body of a known path with the wrong verb (405); the answer also carries `allow`. */
export const METHOD_NOT_ALLOWED_BODY = '{"detail":"Method Not Allowed"}';

/** Body of a request without a valid API key (401). */
export const UNAUTHORIZED_BODY = '{"error":"Unauthorized"}';

/** Body of `GET /version`. */
export function versionBody(version: string): string {
  return `{"version":${quoteJson(version)}}`;
}

/** Body of `GET /load`; the count moves only with `--enable-server-load-tracking`. */
export function loadBody(serverLoad: number): string {
  return `{"server_load":${serverLoad}}`;
}

/** One entry of `GET /v1/models`. */
export interface ModelCard {
  /** Served name or adapter name. */
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  /** Path of the model or adapter. */
  readonly root: string | null;
  /** Name of the base model of an adapter; null for a base model. */
  readonly parent: string | null;
  /** Context length in tokens; null for an adapter. */
  readonly maxModelLength: number | null;
  /** Random part of the permission's id (`modelperm-…`). */
  readonly permissionId: string;
}

/** Body of `GET /v1/models`. */
export function modelListBody(cards: readonly ModelCard[]): string {
  return `{"object":"list","data":[${cards.map(modelCard).join(",")}]}`;
}

function modelCard(card: ModelCard): string {
  const text = (value: string | null): string => (value === null ? "null" : quoteJson(value));
  const permission =
    `{"id":${quoteJson(`modelperm-${card.permissionId}`)},"object":"model_permission","created":${card.created},` +
    `"allow_create_engine":false,"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,` +
    `"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,"is_blocking":false}`;
  return (
    `{"id":${quoteJson(card.id)},"object":"model","created":${card.created},"owned_by":"vllm",` +
    `"root":${text(card.root)},"parent":${text(card.parent)},"max_model_len":${card.maxModelLength},` +
    `"permission":[${permission}]}`
  );
}

/** What `POST /tokenize` answers with. */
export interface TokenizeAnswer {
  readonly tokenIds: ArrayLike<number>;
  readonly maxModelLength: number;
  /** The vocabulary's own spelling of each token, when asked for. */
  readonly tokenStrings: readonly string[] | undefined;
}

/** Body of `POST /tokenize`. */
export function tokenizeBody(answer: TokenizeAnswer): string {
  const strings =
    answer.tokenStrings === undefined ? "null" : `[${answer.tokenStrings.map(quoteJson).join(",")}]`;
  return (
    `{"count":${answer.tokenIds.length},"max_model_len":${answer.maxModelLength},` +
    `"tokens":[${Array.prototype.join.call(answer.tokenIds, ",")}],"token_strs":${strings}}`
  );
}

/** Body of `POST /detokenize`. */
export function detokenizeBody(prompt: string): string {
  return `{"prompt":${quoteJson(prompt)}}`;
}

/** Body of `POST /v1/messages/count_tokens`. */
export function countTokensBody(count: number): string {
  return `{"input_tokens":${count},"context_management":{"original_input_tokens":${count}}}`;
}
