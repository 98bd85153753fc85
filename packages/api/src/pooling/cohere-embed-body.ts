import { badRequestError } from "../api-error.ts";
import { quoteJson } from "../json/string-text.ts";
import type { CohereEmbedRequest } from "./cohere-embed-request.ts";
import { embeddingBytes } from "./embedding-numbers.ts";
import { countPromptTokens, type EncodeBase64, floatList, type PooledPrompt } from "./pooling-bodies.ts";

/**
 * Body of `POST /v2/embed`.
 *
 * @throws {@link ApiError} when the numbers cannot be packed as asked.
 */
export function cohereEmbedBody(
  request: CohereEmbedRequest,
  answer: { readonly id: string; readonly pooled: readonly PooledPrompt[] },
  encodeBase64: EncodeBase64,
): string {
  const { pooled } = answer;
  const asked = request.embeddingTypes ?? [];
  const types = new Set(asked.length === 0 ? ["float"] : asked);
  const members: string[] = [];
  const add = (type: string, encode: (values: ArrayLike<number>) => string): void => {
    if (types.has(type)) members.push(`"${type}":[${pooled.map(({ values }) => encode(values)).join(",")}]`);
  };
  add("float", floatList);
  add("binary", (values) => packedBits(values, 128));
  add("ubinary", (values) => packedBits(values, 0));
  add("base64", (values) =>
    quoteJson(encodeBase64(embeddingBytes(values, { embedDtype: "float32", endianness: "little" }))),
  );
  const texts = request.texts === null ? "" : `"texts":[${request.texts.map(quoteJson).join(",")}],`;
  return (
    `{"id":${quoteJson(answer.id)},"embeddings":{${members.join(",")}},${texts}"meta":{"api_version":{"version":"2"},` +
    `"billed_units":{"input_tokens":${countPromptTokens(pooled)},"image_tokens":0}},` +
    `"response_type":"embeddings_by_type"}`
  );
}

/** One bit per number, set when it is not negative, eight to a byte, the first one highest. */
function packedBits(values: ArrayLike<number>, offset: number): string {
  if (values.length % 8 !== 0) {
    throw badRequestError(
      `Embedding dimension must be a multiple of 8 for binary embedding types, but got ${values.length}.`,
    );
  }
  const packed: number[] = [];
  for (let at = 0; at < values.length; at += 8) {
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte = byte * 2 + ((values[at + bit] as number) >= 0 ? 1 : 0);
    packed.push(byte - offset);
  }
  return `[${packed.join(",")}]`;
}
