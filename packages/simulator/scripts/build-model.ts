// Builds the built-in model: its tokenizer learns from assets/corpus.txt, which the simulator also imitates, and from
// common words for other people's prompts. Deterministic: the same texts give the same bytes.
import { readFileSync, writeFileSync } from "node:fs";

const assets = new URL("../assets/", import.meta.url);
const maxVocabulary = 4093;
const specialTokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

// The split of the GPT-4 family as Qwen 2 writes it; once as tokenizer.json states it and once for this script, whose
// engine may not know inline flags.
const splitPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const split = new RegExp(
  splitPattern.replace("(?i:'s|'t|'re|'ve|'m|'ll|'d)", "'(?:[sS]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])"),
  "gu",
);

/** GPT-2's printable stand-in for each byte. */
function byteCharacters(): string[] {
  const characters: string[] = [];
  let next = 256;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    characters.push(String.fromCodePoint(printable ? byte : next++));
  }
  return characters;
}

interface Word {
  parts: string[];
  readonly count: number;
}

function countWords(text: string, characters: readonly string[]): Word[] {
  const counts = new Map<string, number>();
  for (const [piece] of text.matchAll(split)) counts.set(piece, (counts.get(piece) ?? 0) + 1);
  return [...counts].map(([piece, count]) => ({
    parts: [...new TextEncoder().encode(piece)].map((byte) => characters[byte] ?? ""),
    count,
  }));
}

function mostFrequentPair(words: readonly Word[]): [string, string] | undefined {
  const counts = new Map<string, number>();
  for (const { parts, count } of words) {
    for (let index = 0; index + 1 < parts.length; index++) {
      const pair = `${parts[index]} ${parts[index + 1]}`;
      counts.set(pair, (counts.get(pair) ?? 0) + count);
    }
  }
  let best: string | undefined;
  let bestCount = 0;
  for (const [pair, count] of counts) {
    if (count > bestCount || (count === bestCount && best !== undefined && pair < best)) {
      best = pair;
      bestCount = count;
    }
  }
  const [left, right] = best?.split(" ") ?? [];
  return left === undefined || right === undefined ? undefined : [left, right];
}

function merge(parts: readonly string[], pair: readonly [string, string]): string[] {
  const merged: string[] = [];
  for (let index = 0; index < parts.length; index++) {
    if (parts[index] === pair[0] && parts[index + 1] === pair[1]) {
      merged.push(pair[0] + pair[1]);
      index++;
    } else {
      merged.push(parts[index] ?? "");
    }
  }
  return merged;
}

const characters = byteCharacters();
// Ids in the order of the stand-ins, as published byte-level vocabularies have them.
const vocabulary = new Map(characters.toSorted().map((character, id) => [character, id]));
const corpus = readFileSync(new URL("corpus.txt", assets), "utf8");
const commonWords = readFileSync(new URL("words.txt", assets), "utf8").trim();
// Roles stand at the beginning of a line of the template.
const roles = "\nsystem\nuser\nassistant\n".repeat(8);
const words = countWords(`${corpus} ${commonWords}${roles}`, characters);
const merges: string[] = [];
while (vocabulary.size < maxVocabulary) {
  const pair = mostFrequentPair(words);
  if (pair === undefined) break;
  merges.push(`${pair[0]} ${pair[1]}`);
  if (!vocabulary.has(pair[0] + pair[1])) vocabulary.set(pair[0] + pair[1], vocabulary.size);
  for (const word of words) word.parts = merge(word.parts, pair);
}

const firstSpecial = vocabulary.size;
const idOf = (token: string): number => firstSpecial + specialTokens.indexOf(token);
const addedToken = (content: string): object => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
});
const byteLevel = { type: "ByteLevel", add_prefix_space: false, trim_offsets: false, use_regex: false };

const tokenizer = {
  version: "1.0",
  truncation: null,
  padding: null,
  added_tokens: specialTokens.map((token) => ({ id: idOf(token), ...addedToken(token) })),
  normalizer: { type: "NFC" },
  pre_tokenizer: {
    type: "Sequence",
    pretokenizers: [
      { type: "Split", pattern: { Regex: splitPattern }, behavior: "Isolated", invert: false },
      byteLevel,
    ],
  },
  post_processor: byteLevel,
  decoder: byteLevel,
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: "",
    end_of_word_suffix: "",
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(vocabulary),
    merges,
  },
};

const chatTemplate = `{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
`;

const tokenizerConfig = {
  add_bos_token: false,
  add_prefix_space: false,
  added_tokens_decoder: Object.fromEntries(
    specialTokens.map((token) => [String(idOf(token)), addedToken(token)]),
  ),
  bos_token: null,
  chat_template: chatTemplate,
  clean_up_tokenization_spaces: false,
  eos_token: "<|im_end|>",
  model_max_length: 32768,
  pad_token: "<|endoftext|>",
  tokenizer_class: "PreTrainedTokenizerFast",
  unk_token: null,
};

const config = {
  architectures: ["SimulatedForCausalLM"],
  bos_token_id: idOf("<|endoftext|>"),
  eos_token_id: idOf("<|im_end|>"),
  max_position_embeddings: 32768,
  model_type: "simulated",
  pad_token_id: idOf("<|endoftext|>"),
  vocab_size: firstSpecial + specialTokens.length,
};

const generationConfig = {
  bos_token_id: idOf("<|endoftext|>"),
  do_sample: true,
  eos_token_id: [idOf("<|im_end|>"), idOf("<|endoftext|>")],
  pad_token_id: idOf("<|endoftext|>"),
  temperature: 0.7,
  top_p: 0.9,
};

const files = {
  "tokenizer.json": tokenizer,
  "tokenizer_config.json": tokenizerConfig,
  "config.json": config,
  "generation_config.json": generationConfig,
};
for (const [name, content] of Object.entries(files)) {
  writeFileSync(new URL(`model/${name}`, assets), `${JSON.stringify(content, null, 1)}\n`);
}
