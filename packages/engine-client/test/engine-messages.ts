import { GenerateResponse } from "@vllm-router/proto/messages";

/** Fields of a chunk or complete that a test cares about. */
export interface MessageFields {
  readonly tokenIds: readonly number[];
  readonly index?: number;
  readonly promptTokens?: number;
  readonly cachedTokens?: number;
}

/** A chunk message. */
export function chunk(fields: MessageFields): GenerateResponse {
  const { tokenIds, index = 0, promptTokens = 3, cachedTokens = 0 } = fields;
  return {
    response: {
      $case: "chunk",
      value: {
        tokenIds: [...tokenIds],
        promptTokens,
        completionTokens: tokenIds.length,
        cachedTokens,
        outputLogprobs: undefined,
        inputLogprobs: undefined,
        index,
      },
    },
  };
}

/** A complete message. */
export function complete(fields: MessageFields & { readonly finishReason?: string }): GenerateResponse {
  const { tokenIds, index = 0, promptTokens = 3, cachedTokens = 0, finishReason = "length" } = fields;
  return {
    response: {
      $case: "complete",
      value: {
        outputIds: [...tokenIds],
        finishReason,
        promptTokens,
        completionTokens: tokenIds.length,
        cachedTokens,
        outputLogprobs: undefined,
        inputLogprobs: undefined,
        index,
        kvTransferParams: undefined,
        matchedStop: undefined,
        specAcceptedTokens: 0,
        specDraftTokens: 0,
        mediaIdentity: undefined,
      },
    },
  };
}

/** A message with its gRPC prefix. */
export function frame(message: GenerateResponse): Buffer {
  return frameBytes(GenerateResponse.encode(message).finish());
}

/** Any bytes with a gRPC prefix. */
export function frameBytes(bytes: Uint8Array): Buffer {
  const framed = Buffer.alloc(5 + bytes.length);
  framed.writeUInt32BE(bytes.length, 1);
  framed.set(bytes, 5);
  return framed;
}
