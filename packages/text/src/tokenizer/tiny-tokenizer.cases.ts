import { byteCharacters } from "./byte-alphabet.ts";
import { createTokenizer } from "./create-tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Id of the end-of-sequence token `<end>` of {@link tinyTokenizer}. */
export const TINY_END = 300;

/** `tokenizer.json` of a small byte-level tokenizer: 256 bytes, a few merges, four added tokens; members can be replaced. */
export function tinyTokenizerJson(overrides: Readonly<Record<string, unknown>> = {}): string {
  const vocab = Object.fromEntries(byteCharacters.map((character, id) => [character, id]));
  const merges: string[] = [];
  for (const [left, right] of [
    ["h", "e"],
    ["l", "l"],
    ["he", "ll"],
    ["hell", "o"],
    ["Ġ", "w"],
    ["Ġw", "o"],
    // The first two bytes of many CJK characters: ends inside a character.
    ["ä", "½"],
  ] as const) {
    vocab[left + right] = Object.keys(vocab).length;
    merges.push(`${left} ${right}`);
  }
  const added = (id: number, content: string, special: boolean): unknown => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special,
  });
  return JSON.stringify({
    added_tokens: [
      added(TINY_END, "<end>", true),
      added(301, "<user>", true),
      added(302, "<tool>", false),
      added(303, "<beg>", true),
    ],
    normalizer: null,
    pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, use_regex: true },
    post_processor: {
      type: "TemplateProcessing",
      single: [{ SpecialToken: { id: "<beg>", type_id: 0 } }, { Sequence: { id: "A", type_id: 0 } }],
      special_tokens: { "<beg>": { id: "<beg>", ids: [303], tokens: ["<beg>"] } },
    },
    decoder: { type: "ByteLevel" },
    model: { type: "BPE", vocab, merges },
    ...overrides,
  });
}

/** A small byte-level tokenizer. */
export function tinyTokenizer(overrides: Readonly<Record<string, unknown>> = {}): Tokenizer {
  return createTokenizer({
    tokenizerJson: tinyTokenizerJson(overrides),
    tokenizerConfig: JSON.stringify({ eos_token: "<end>", bos_token: "<beg>" }),
  });
}
