import { gunzipSync } from "node:zlib";
import { fixture, readTokenizerFiles } from "./installed-tokenizer.cases.ts";
import { runOracleCasesOn } from "./oracle.cases.ts";

// Models that are not BPE, made of the pieces of Llama 2, since no package carries such a tokenizer.

const frame = (before: string[], after: string[]): unknown => ({
  type: "TemplateProcessing",
  single: [
    ...before.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
    { Sequence: { id: "A", type_id: 0 } },
    ...after.map((id) => ({ SpecialToken: { id, type_id: 0 } })),
  ],
  pair: [{ Sequence: { id: "A", type_id: 0 } }, { Sequence: { id: "B", type_id: 1 } }],
  special_tokens: Object.fromEntries(
    [...before, ...after].map((id) => [id, { id, ids: [id === "<s>" ? 1 : 2], tokens: [id] }]),
  ),
});

interface LlamaJson {
  readonly added_tokens: unknown;
  readonly model: { readonly vocab: Record<string, number> };
}

function readLlama(): { addedTokens: unknown; pieces: string[] } {
  const json = JSON.parse(readTokenizerFiles("llama2").tokenizerJson) as LlamaJson;
  const pieces = Object.entries(json.model.vocab).sort(([, left], [, right]) => left - right);
  return { addedTokens: json.added_tokens, pieces: pieces.map(([piece]) => piece) };
}

function bert(lowercase: boolean): string {
  const { addedTokens, pieces } = readLlama();
  const vocab: Record<string, number> = {};
  for (const [index, piece] of pieces.entries()) {
    const word = index < 3 ? piece : piece.startsWith("▁") ? piece.slice(1) : `##${piece}`;
    vocab[word] ??= index;
  }
  return JSON.stringify({
    version: "1.0",
    added_tokens: addedTokens,
    normalizer: {
      type: "BertNormalizer",
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase,
    },
    pre_tokenizer: { type: "BertPreTokenizer" },
    post_processor: frame(["<s>"], ["</s>"]),
    decoder: { type: "WordPiece", prefix: "##", cleanup: true },
    model: {
      type: "WordPiece",
      unk_token: "<unk>",
      continuing_subword_prefix: "##",
      max_input_chars_per_word: 100,
      vocab,
    },
  });
}

function unigram(byteFallback: boolean, normalizer: unknown): string {
  const { addedTokens, pieces } = readLlama();
  const metaspace = { type: "Metaspace", replacement: "▁", prepend_scheme: "always", split: true };
  return JSON.stringify({
    version: "1.0",
    added_tokens: addedTokens,
    normalizer,
    pre_tokenizer: metaspace,
    post_processor: frame([], ["</s>"]),
    decoder: metaspace,
    model: {
      type: "Unigram",
      unk_id: 0,
      byte_fallback: byteFallback,
      vocab: pieces.map((piece, index) => [piece, index < 3 ? 0 : -Math.log(index + 2) - piece.length / 100]),
    },
  });
}

const RANDOM_TEXTS = 1000;

runOracleCasesOn("WordPiece", () => bert(true), RANDOM_TEXTS);
runOracleCasesOn("WordPiece with case", () => bert(false), RANDOM_TEXTS);
runOracleCasesOn("Unigram with bytes", () => unigram(true, null), RANDOM_TEXTS);
runOracleCasesOn(
  "Unigram with SentencePiece's own normalizer",
  () => unigram(false, sentencePieceRules()),
  RANDOM_TEXTS,
);

function sentencePieceRules(): unknown {
  const rules = gunzipSync(fixture("nmt-nfkc.charsmap.gz")).toString("base64");
  return {
    type: "Sequence",
    normalizers: [
      { type: "Precompiled", precompiled_charsmap: rules },
      { type: "Replace", pattern: { Regex: " {2,}" }, content: " " },
    ],
  };
}
