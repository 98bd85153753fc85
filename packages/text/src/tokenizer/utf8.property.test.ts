import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { codePointLength, endsInReplacement, lossyText, strictText, utf8Length, wellFormed } from "./utf8.ts";

const settings = { numRuns: 300, seed: 11 };
/** Bytes as they occur around the borders of UTF-8 sequences. */
const byte = fc.oneof(
  fc.constantFrom(0x41, 0x80, 0xa0, 0x90, 0xbf, 0xbd, 0xc2, 0xe0, 0xe4, 0xed, 0xef, 0xf0, 0xf4, 0xff),
  fc.nat(255),
);

/** Texts of whole characters of every size. */
const text = fc
  .array(fc.oneof(fc.nat(0x7f), fc.nat(0x7ff), fc.nat(0xd7ff), fc.integer({ min: 0x10000, max: 0x10ffff })), {
    maxLength: 20,
  })
  .map((codePoints) => String.fromCodePoint(...codePoints));

describe("UTF-8", () => {
  it("sees from the last bytes whether the text ends with U+FFFD", () => {
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (bytes) => {
        const decoded = lossyText(Uint8Array.from(bytes));
        expect(endsInReplacement(bytes, bytes.length)).toBe(decoded.endsWith("\ufffd"));
      }),
      settings,
    );
  });

  it("counts code points and bytes", () => {
    fc.assert(
      fc.property(text, (sample) => {
        expect(codePointLength(sample)).toBe(Array.from(sample).length);
        expect(utf8Length(sample)).toBe(Buffer.byteLength(sample));
        expect(strictText(Buffer.from(sample))).toBe(sample);
      }),
      settings,
    );
  });

  it("keeps a byte order mark and replaces lone surrogates", () => {
    expect(lossyText(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61))).toBe("\ufeffa");
    expect(wellFormed("a\ud800b😀\udc00")).toBe("a\ufffdb😀\ufffd");
    expect(strictText(Uint8Array.of(0xff))).toBeUndefined();
  });
});
