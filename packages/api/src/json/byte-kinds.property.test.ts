import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { byteKinds } from "./byte-kinds.ts";

describe("byteKinds()", () => {
  it("sees every byte of its range and no other, wherever it begins", () => {
    const odd = fc.constantFrom(0x00, 0x1f, 0x20, 0x7f, 0x80, 0x9f, 0xff);
    fc.assert(
      fc.property(fc.nat(90), fc.nat(90), fc.array(fc.tuple(fc.nat(99), odd)), (from, length, places) => {
        const bytes = new Uint8Array(100).fill(0x41);
        for (const [place, byte] of places) bytes[place] = byte;
        const range = bytes.slice(from, from + length);
        const expected = {
          hasControl: range.some((byte) => byte < 0x20),
          isAscii: range.every((byte) => byte < 0x80),
        };
        expect(byteKinds(bytes, from, Math.min(from + length, 100))).toEqual(expected);
        expect(byteKinds(bytes.subarray(from, from + length))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});
