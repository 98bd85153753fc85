import { badRequestError } from "../api-error.ts";
import { pythonFloat } from "../json/number-text.ts";
import { quoteAscii, quoteJson } from "../json/string-text.ts";
import { embeddingBytes } from "./embedding-numbers.ts";
import type { EncodingWish } from "./pooling-prompts.ts";

/** Content type of answers in bytes. */
const BYTES_CONTENT_TYPE = "application/octet-stream";

/** What an engine made of one prompt. */
export interface PooledPrompt {
  readonly values: ArrayLike<number>;
  readonly promptTokens: number;
}

/** What the answers of pooling requests share. */
export interface PoolingAnswer {
  readonly id: string;
  /** Unix seconds. */
  readonly created: number;
  readonly model: string;
  /** In the order of the prompts. */
  readonly pooled: readonly PooledPrompt[];
}

/** Base64 of bytes; handed in, because every platform has its own fast way. */
export type EncodeBase64 = (bytes: Uint8Array) => string;

/** An answer ready to be sent. */
export interface EncodedAnswer {
  readonly body: string | Uint8Array;
  readonly contentType: string;
  /** Value of the header `metadata`, which says what the bytes are. */
  readonly metadata: string | undefined;
}

/** `usage` of a pooling answer. */
export function poolingUsage(promptTokens: number): string {
  return (
    `{"prompt_tokens":${promptTokens},"total_tokens":${promptTokens},"completion_tokens":0,` +
    `"prompt_tokens_details":null,"completion_tokens_details":null}`
  );
}

/** Prompt tokens of all prompts. */
export function countPromptTokens(pooled: readonly PooledPrompt[]): number {
  return pooled.reduce((sum, { promptTokens }) => sum + promptTokens, 0);
}

/**
 * Numbers as Python prints them.
 *
 * @throws {@link ApiError} for numbers that JSON has no word for, as Python's encoder does.
 */
export function floatList(values: ArrayLike<number>): string {
  const texts: string[] = [];
  for (let index = 0; index < values.length; index++) texts.push(jsonFloat(values[index] as number));
  return `[${texts.join(",")}]`;
}

/** One number of an answer. @throws {@link ApiError} */
export function jsonFloat(value: number): string {
  if (!Number.isFinite(value)) throw badRequestError("Out of range float values are not JSON compliant");
  return pythonFloat(value);
}

/**
 * The answer of `POST /v1/embeddings` (`kind` "embedding") or `POST /pooling` ("pooling").
 *
 * @throws {@link ApiError}
 */
export function encodedAnswer(
  kind: "embedding" | "pooling",
  answer: PoolingAnswer,
  how: { readonly wish: EncodingWish; readonly encodeBase64: EncodeBase64 },
): EncodedAnswer {
  const { wish, encodeBase64 } = how;
  switch (wish.encodingFormat) {
    case "float":
      return jsonAnswer(kind, answer, floatList);
    case "base64":
      return jsonAnswer(kind, answer, (values) => quoteJson(encodeBase64(embeddingBytes(values, wish))));
    case "bytes":
    case "bytes_only":
      return bytesAnswer(answer, wish);
  }
}

function jsonAnswer(
  kind: "embedding" | "pooling",
  answer: PoolingAnswer,
  encode: (values: ArrayLike<number>) => string,
): EncodedAnswer {
  const member = kind === "embedding" ? "embedding" : "data";
  const items = answer.pooled.map(
    ({ values }, index) => `{"index":${index},"object":"${kind}","${member}":${encode(values)}}`,
  );
  const body =
    `{"id":${quoteJson(answer.id)},"object":"list","created":${answer.created},"model":${quoteJson(answer.model)},` +
    `"data":[${items.join(",")}],"usage":${poolingUsage(countPromptTokens(answer.pooled))}}`;
  return { body, contentType: "application/json", metadata: undefined };
}

function bytesAnswer(answer: PoolingAnswer, wish: EncodingWish): EncodedAnswer {
  const parts = answer.pooled.map(({ values }) => embeddingBytes(values, wish));
  const body = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  const items = parts.map((part, index) => {
    body.set(part, at);
    const start = at;
    at += part.length;
    const { values } = answer.pooled[index] as PooledPrompt;
    return (
      `{"index": ${index}, "embed_dtype": "${wish.embedDtype}", "endianness": "${wish.endianness}", ` +
      `"start": ${start}, "end": ${at}, "shape": [${values.length}]}`
    );
  });
  const tokens = countPromptTokens(answer.pooled);
  const metadata =
    `{"id": ${quoteAscii(answer.id)}, "created": ${answer.created}, "model": ${quoteAscii(answer.model)}, ` +
    `"data": [${items.join(", ")}], "usage": {"prompt_tokens": ${tokens}, "total_tokens": ${tokens}}}`;
  return {
    body,
    contentType: BYTES_CONTENT_TYPE,
    metadata: wish.encodingFormat === "bytes" ? metadata : undefined,
  };
}
