import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EngineError } from "../engine-error.ts";
import { decodeKvPayload } from "./decode-kv-batch.ts";

/** Written by msgspec with the classes of vLLM 0.32, and with classes as they were before 0.23. */
const PAYLOADS = {
  maps:
    "93cb41d954fc40200000938ba474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657392c42001010101010101010101" +
    "01010101010101010101010101011122334455667788cffedcba9876543210b1706172656e745f626c6f636b5f68617368c420aaaaaaaa" +
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9746f6b656e5f6964739401ccc8ce00011170ce0002517faa626c" +
    "6f636b5f73697a6502a76c6f72615f696403a66d656469756da3435055a96c6f72615f6e616d65a373716caa65787472615f6b65797392" +
    "93a373716c92a3696d67fca473616c74c0a967726f75705f69647801b26b765f63616368655f737065635f6b696e64ae66756c6c5f6174" +
    "74656e74696f6e84a474797065ac426c6f636b52656d6f766564ac626c6f636b5f6861736865739107a66d656469756da3475055a96772" +
    "6f75705f6964780081a474797065b0416c6c426c6f636b73436c656172656402",
  arrays:
    "93cb41d954fc402000009399ab426c6f636b53746f72656491c42001010101010101010101010101010101010101010101010111223344" +
    "55667788c09201ccc802c0a3475055c0c093ac426c6f636b52656d6f7665649107a343505591b0416c6c426c6f636b73436c6561726564" +
    "c0",
};

function bytes(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

describe("decodeKvPayload()", () => {
  it("reads the messages of today's vLLM", () => {
    expect(decodeKvPayload(bytes(PAYLOADS.maps))).toEqual({
      timestamp: 1_700_000_000.5,
      rank: 2,
      events: [
        {
          kind: "stored",
          hashes: Int32Array.of(0x55667788, 0x11223344, 0x76543210, 0xfedcba98 | 0),
          parent: Int32Array.of(0xaaaaaaaa | 0, 0xaaaaaaaa | 0),
          tokenIds: Int32Array.of(1, 200, 70_000, 151_935),
          medium: "host",
          loraName: "sql",
          cacheSalt: undefined,
          extraKeys: [["sql", "\0img\0\0-4", "salt"], null],
          group: 1,
          groupKind: "full_attention",
        },
        { kind: "removed", hashes: Int32Array.of(7, 0), medium: "device", group: 0 },
        { kind: "cleared" },
      ],
    });
  });

  it("reads the messages of vLLM before 0.23", () => {
    expect(decodeKvPayload(bytes(PAYLOADS.arrays))).toMatchObject({
      timestamp: 1_700_000_000.5,
      rank: undefined,
      events: [
        {
          kind: "stored",
          hashes: Int32Array.of(0x55667788, 0x11223344),
          parent: undefined,
          tokenIds: Int32Array.of(1, 200),
          medium: "device",
          group: undefined,
        },
        { kind: "removed", hashes: Int32Array.of(7, 0), medium: "host", group: undefined },
        { kind: "cleared" },
      ],
    });
  });

  it("throws an EngineError for whatever is no batch, and nothing else", () => {
    const outcome = (payload: Uint8Array): string => {
      try {
        decodeKvPayload(payload);
        return "decoded";
      } catch (error) {
        return error instanceof EngineError ? error.code : String(error);
      }
    };
    for (let length = 0; length < PAYLOADS.maps.length / 2; length += 1) {
      expect(outcome(bytes(PAYLOADS.maps).subarray(0, length))).toBe("protocol");
    }
    expect(outcome(bytes("dd7fffffff"))).toBe("protocol");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (payload) => {
        expect(["decoded", "protocol"]).toContain(outcome(Uint8Array.from([0x93, 0x01, 0x91, ...payload])));
      }),
      { numRuns: 500, seed: 31 },
    );
  });
});
