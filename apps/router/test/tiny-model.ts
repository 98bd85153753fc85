import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ModelFiles } from "../src/models/model-files.ts";

/** Files of a model as text or as a value that becomes JSON. */
export type TinyFiles = Readonly<Record<string, unknown>>;

/** A byte-level tokenizer of 256 bytes and two added tokens: `<|start|>` is 256, `<|end|>` is 257. */
export const TINY_TOKENIZER = {
  version: "1.0",
  added_tokens: ["<|start|>", "<|end|>"].map((content, index) => ({
    id: 256 + index,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  })),
  normalizer: null,
  pre_tokenizer: { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true },
  post_processor: null,
  decoder: { type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true },
  model: {
    type: "BPE",
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    vocab: byteVocabulary(),
    merges: [],
  },
} as const;

/** A complete model. */
export const TINY_MODEL: TinyFiles = {
  "tokenizer.json": TINY_TOKENIZER,
  "tokenizer_config.json": {
    bos_token: "<|start|>",
    eos_token: "<|end|>",
    chat_template: "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
  },
  "config.json": { max_position_embeddings: 4096, eos_token_id: 257 },
  "generation_config.json": { temperature: 0.6, top_k: 20, eos_token_id: [257, 256] },
};

/** The files as an engine hands them out. */
export function asModelFiles(files: TinyFiles): ModelFiles {
  return new Map(
    Object.entries(files).map(([name, value]) => [name, new TextEncoder().encode(textOf(value))]),
  );
}

/** A folder that is deleted at the end. */
export interface TemporaryFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes files below the folder. */
  write(files: TinyFiles): Promise<void>;
}

/** Makes an empty folder. */
export async function temporaryFolder(): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), "vllm-router-test-"));
  return {
    path,
    async write(files) {
      for (const [name, value] of Object.entries(files)) {
        await mkdir(dirname(join(path, name)), { recursive: true });
        await writeFile(join(path, name), textOf(value));
      }
    },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** GPT-2's alphabet: printable bytes stand for themselves, the others for characters from U+0100 on. */
function byteVocabulary(): Readonly<Record<string, number>> {
  const isPrintable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  const vocabulary: Record<string, number> = {};
  let next = 256;
  for (let byte = 0; byte < 256; byte += 1) {
    vocabulary[String.fromCodePoint(isPrintable(byte) ? byte : next)] = byte;
    next += isPrintable(byte) ? 0 : 1;
  }
  return vocabulary;
}
