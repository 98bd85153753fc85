import { GenerateResponse, GenerateStreamChunk } from "@vllm-router/proto/messages";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { plainChunkFrame } from "./chunk-frame.ts";
import { grpcFrame } from "./grpc-call.ts";

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

describe("plainChunkFrame()", () => {
  it("gives the bytes of the generated encoder", () => {
    const chunk = fc.record({
      tokenIds: fc.array(uint32, { maxLength: 100 }),
      promptTokens: uint32,
      cachedTokens: uint32,
      index: fc.nat({ max: 300 }),
    });
    fc.assert(
      fc.property(chunk, (plain) => {
        const value = GenerateStreamChunk.fromPartial({ ...plain, completionTokens: plain.tokenIds.length });
        const message = GenerateResponse.encode({ response: { $case: "chunk", value } }).finish();
        expect(plainChunkFrame(plain)).toEqual(grpcFrame(message));
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
