import { TextError } from "../text-error.ts";
import type { Normalizer } from "./normalizer-steps.ts";

/** Grapheme clusters of this many bytes or more are looked up character by character. */
const MAX_CLUSTER_BYTES = 6;

// Unicode's SpacingMark (UAX 29): Mc with the exceptions listed there.
const spacingMark =
  "[[\\p{Mc}--[\\u102b\\u102c\\u1038\\u1062-\\u1064\\u1067-\\u106d\\u1083\\u1087-\\u108c\\u108f\\u109a-\\u109c\\u1a61\\u1a63" +
  "\\u1a64\\uaa7b\\uaa7d\\u{11720}\\u{11721}]]\\u0e33\\u0eb3]";
const prepend = "[\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2]";
const control =
  "[[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]--[\\u200c\\u200d\\u{e0020}-\\u{e007f}\\u0600-\\u0605\\u06dd\\u070f\\u0890\\u0891\\u08e2]]";
const joining = `[\\p{Grapheme_Extend}\\p{Emoji_Modifier}\\u200d${spacingMark}]`;

/** Grapheme clusters, exact for those of fewer than six bytes; longer ones may be cut. */
const cluster = new RegExp(`\\r\\n|${control}|${prepend}*(?!${control})[^]${joining}*|${prepend}`, "gv");

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * The normalizer a SentencePiece model carries with it (`precompiled_charsmap`): a double array of byte strings to replace
 * and their replacements. Format: https://github.com/google/sentencepiece/blob/master/src/normalizer.cc
 *
 * @throws TextError `tokenizer_invalid`
 */
export function compilePrecompiled(charsMap: string): Normalizer {
  const bytes = decodeBase64(charsMap);
  const view = new DataView(bytes.buffer);
  const trieSize = bytes.length >= 4 ? view.getUint32(0, true) : 0;
  if (bytes.length < 4 + trieSize || trieSize % 4 !== 0) {
    throw new TextError("tokenizer_invalid", 'tokenizer.json: "precompiled_charsmap" is broken');
  }
  const units = Uint32Array.from({ length: trieSize / 4 }, (_, index) => view.getUint32(4 + 4 * index, true));
  const replacements = bytes.subarray(4 + trieSize);
  const known = new Map<string, string | undefined>();

  const replacementOf = (text: string): string | undefined => {
    const index = shortestPrefix(units, encoder.encode(text));
    if (index < 0) return undefined;
    const end = replacements.indexOf(0, index);
    return decoder.decode(replacements.subarray(index, end < 0 ? replacements.length : end));
  };
  const lookUp = (text: string): string | undefined => {
    if (known.has(text)) return known.get(text);
    if (known.size >= 4096) known.clear();
    const replacement = replacementOf(text);
    known.set(text, replacement);
    return replacement;
  };

  return (text) =>
    text.replace(cluster, (part) => {
      if (encoder.encode(part).length < MAX_CLUSTER_BYTES) {
        const replacement = lookUp(part);
        if (replacement !== undefined) return replacement;
      }
      let normalized = "";
      for (const character of part) normalized += lookUp(character) ?? character;
      return normalized;
    });
}

/** Value of the shortest key that begins the bytes, or -1 (a Darts double array). */
function shortestPrefix(units: Uint32Array, key: Uint8Array): number {
  let position = offsetOf(units[0] ?? 0);
  for (const byte of key) {
    if (byte === 0) return -1;
    position ^= byte;
    const unit = units[position];
    if (unit === undefined || (unit & 0x800000ff) >>> 0 !== byte) return -1;
    position ^= offsetOf(unit);
    if ((unit >>> 8) & 1) return (units[position] ?? 0) & 0x7fffffff;
  }
  return -1;
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

const base64Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function decodeBase64(text: string): Uint8Array {
  const digits = text.replace(/=+$/, "");
  const bytes = new Uint8Array(Math.floor((digits.length * 3) / 4));
  let bits = 0;
  let count = 0;
  let length = 0;
  for (const digit of digits) {
    const value = base64Alphabet.indexOf(digit);
    if (value < 0)
      throw new TextError("tokenizer_invalid", 'tokenizer.json: "precompiled_charsmap" is not base64');
    bits = ((bits << 6) | value) & 0xffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes[length++] = (bits >> count) & 0xff;
  }
  return bytes;
}
