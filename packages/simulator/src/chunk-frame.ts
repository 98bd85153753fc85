/** What a chunk without logprobs says. */
export interface PlainChunk {
  readonly tokenIds: readonly number[];
  readonly promptTokens: number;
  readonly cachedTokens: number;
  readonly index: number;
}

// Field numbers of vllm.grpc.engine: GenerateResponse.chunk, then those of GenerateStreamChunk.
const chunkTag = 0x0a;
const tokenIdsTag = 0x0a;
const promptTokensTag = 0x10;
const completionTokensTag = 0x18;
const cachedTokensTag = 0x20;
const indexTag = 0x38;
const prefixBytes = 5;

/**
 * A GenerateResponse with a chunk, as one gRPC frame. The message that a busy engine sends most: written by hand it
 * costs a third of the generated encoder.
 */
export function plainChunkFrame(chunk: PlainChunk): Buffer {
  const { tokenIds, promptTokens, cachedTokens, index } = chunk;
  let idsBytes = 0;
  for (const id of tokenIds) idsBytes += varintBytes(id);
  const chunkBytes =
    (idsBytes === 0 ? 0 : 1 + varintBytes(idsBytes) + idsBytes) +
    fieldBytes(promptTokens) +
    fieldBytes(tokenIds.length) +
    fieldBytes(cachedTokens) +
    fieldBytes(index);
  const messageBytes = 1 + varintBytes(chunkBytes) + chunkBytes;
  const frame = Buffer.allocUnsafe(prefixBytes + messageBytes);
  frame[0] = 0;
  frame.writeUInt32BE(messageBytes, 1);
  let offset = prefixBytes;
  frame[offset++] = chunkTag;
  offset = writeVarint(frame, offset, chunkBytes);
  if (idsBytes > 0) {
    frame[offset++] = tokenIdsTag;
    offset = writeVarint(frame, offset, idsBytes);
    for (const id of tokenIds) offset = writeVarint(frame, offset, id);
  }
  for (const [tag, value] of [
    [promptTokensTag, promptTokens],
    [completionTokensTag, tokenIds.length],
    [cachedTokensTag, cachedTokens],
    [indexTag, index],
  ] as const) {
    if (value === 0) continue;
    frame[offset++] = tag;
    offset = writeVarint(frame, offset, value);
  }
  return frame;
}

/** Fields with the default value are left out, as everywhere in proto3. */
function fieldBytes(value: number): number {
  return value === 0 ? 0 : 1 + varintBytes(value);
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

function writeVarint(target: Buffer, start: number, value: number): number {
  let offset = start;
  let rest = value >>> 0;
  while (rest > 0x7f) {
    target[offset++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  target[offset++] = rest;
  return offset;
}
