import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compilePreTokenizer } from "../pre-tokenizer.ts";
import { wellFormed } from "../utf8.ts";
import type { WordScanner } from "./word-scanner.ts";

// A scanner must give what the patterns it stands for give; those are compared with the official library (oracle.cases.ts).

const byteLevel = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
const split = (pattern: string): unknown => ({
  type: "Split",
  pattern: { Regex: pattern },
  behavior: "Isolated",
  invert: false,
});
const patterns = (...all: string[]): unknown => ({
  type: "Sequence",
  pretokenizers: [...all.map((pattern) => split(pattern)), byteLevel],
});
const gpt2 = { type: "ByteLevel", add_prefix_space: false, use_regex: true };

const known: Readonly<Record<string, unknown>> = {
  "cl100k, Llama 3": patterns(
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ),
  "Qwen 2 and 3": patterns(
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ),
  "Qwen 3.5": patterns(
    String.raw`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ),
  o200k: patterns(
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ),
  Tekken: patterns(
    String.raw`[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
  ),
  "DeepSeek V3": patterns(
    String.raw`\p{N}{1,3}`,
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
  ),
  "GPT-2": gpt2,
  "GPT-2 after digits": {
    type: "Sequence",
    pretokenizers: [{ type: "Digits", individual_digits: true }, gpt2],
  },
};

/** Characters at which patterns part: of every class, on both sides of boundaries, in one to four bytes. */
const telling = [
  ...Array.from(" \t\n\r\u00a0\u3000\u0085'.,!/-_$+'a's'STreVElLdDmzKſK019²½Ⅷ٣𝟘೩"),
  "\r\n",
  "  ",
  "\n\n",
  "'ll",
  "'RE",
  "'ſ",
].concat(
  Array.from(
    "éÀßǅʰªあア々漢字가ـאअ्ि゙́゠・ー぀龥龦㐀𠀀𐐀𐐨ʕ\u{11de0}\u{16ff4}\u0000\u001b\u200d\u200b\ufeff\ufffd\ue000\u0378😀👨‍👩‍👧€“”—、。",
  ),
);

const text = fc.oneof(
  fc.array(fc.constantFrom(...telling), { maxLength: 24 }).map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 24 }),
  fc.string({ unit: "grapheme", maxLength: 24 }),
);

function words(scanner: WordScanner, source: string): string[] {
  const bytes = new TextEncoder().encode(source);
  // Garbage behind the text must not matter.
  const padded = new Uint8Array(bytes.length + 16).fill(0x61);
  padded.set(bytes);
  const found: string[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = scanner(padded, start, bytes.length);
    found.push(new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes.subarray(start, end)));
    start = end;
  }
  return found;
}

describe("scanners against the patterns they stand for", () => {
  for (const [name, json] of Object.entries(known)) {
    const preTokenizer = compilePreTokenizer(json);
    const { scanner } = preTokenizer;
    if (scanner === undefined) throw new Error(`${name} is not known`);

    it(`${name}: any text`, () => {
      fc.assert(
        fc.property(text, (source) => {
          const whole = wellFormed(source);
          expect(words(scanner, whole)).toEqual(preTokenizer.split(whole, true));
        }),
        { numRuns: 3000 },
      );
    });

    it(`${name}: every code point, between letters, after a space and before a sign`, () => {
      const differing: string[] = [];
      for (let code = 0; code <= 0x10ffff; code++) {
        if (code >= 0xd800 && code <= 0xdfff) continue;
        // Whole blocks without a character differ in nothing.
        if (code > 0x323ff && code < 0xe0000 && code % 977 !== 0) continue;
        if (code > 0xe0200 && code % 977 !== 0) continue;
        const character = String.fromCodePoint(code);
        const source = `a${character}B ${character}.`;
        const got = words(scanner, source);
        const wanted = preTokenizer.split(source, true);
        if (got.length !== wanted.length || got.some((word, index) => word !== wanted[index])) {
          differing.push(`U+${code.toString(16)}`);
        }
      }
      expect(differing).toEqual([]);
    });
  }

  it("leaves other patterns to regular expressions", () => {
    expect(compilePreTokenizer(patterns(String.raw`\p{L}+`)).scanner).toBeUndefined();
    expect(compilePreTokenizer({ ...gpt2, add_prefix_space: true }).scanner).toBeUndefined();
    expect(compilePreTokenizer({ type: "Metaspace" }).scanner).toBeUndefined();
  });
});
