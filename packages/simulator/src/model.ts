import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { byteLevelBytes } from "./byte-level.ts";
import { isJsonObject, type JsonObject, type ModelFiles, readModelFiles } from "./model-files.ts";
import { SimulatorError } from "./simulator-error.ts";
import type { TokenModelVocabulary } from "./token-model.ts";

/** What the engine knows of its model. */
export interface Model {
  readonly path: string;
  /** Rows of the logits: config.json's vocab_size, or the tokenizer's size. */
  readonly vocabularySize: number;
  /** Largest id that the tokenizer or the model knows. */
  readonly maxTokenId: number;
  readonly maxPositions: number;
  readonly modelType: string;
  readonly architectures: readonly string[];
  readonly bosTokenId: number;
  readonly padTokenId: number;
  /** As config.json lists them. */
  readonly configEosIds: readonly number[];
  /** The tokenizer's end-of-sequence token. */
  readonly eosId: number | undefined;
  /** Further ending ids of generation_config.json. */
  readonly extraEosIds: readonly number[];
  /** Sampling defaults that differ from neutral, compact JSON, "" when there are none. */
  readonly defaultSamplingParamsJson: string;
  readonly vocabulary: TokenModelVocabulary;
  /** Bytes of a token; empty for an unknown id. */
  bytesOf(id: number): Uint8Array;
  /** Tokens of a text, without template. */
  encode(text: string): number[];
}

/** Directory of the built-in model. */
export const builtinModelPath: string = fileURLToPath(new URL("../assets/model", import.meta.url));
const corpusPath = new URL("../assets/corpus.txt", import.meta.url);

const empty = new Uint8Array();
const samplingDefaults: readonly (readonly [name: string, neutral: number])[] = [
  ["temperature", 1],
  ["top_p", 1],
  ["top_k", 50],
  ["min_p", 0],
  ["repetition_penalty", 1],
];

/**
 * Reads a model directory.
 * @throws SimulatorError invalid_model
 */
export function loadModel(path: string): Model {
  const files = readModelFiles(path);
  const tokens = readTokens(files);
  const { config, generationConfig } = files;
  const text = isJsonObject(config["text_config"]) ? { ...config, ...config["text_config"] } : config;
  const maxTokenId = tokens.bytes.length - 1;
  const vocabularySize = number(text["vocab_size"]) ?? tokens.bytes.length;
  const eosId = tokens.idOf(tokenText(files.tokenizerConfig["eos_token"])) ?? ids(text["eos_token_id"])[0];
  const bytesOf = (id: number): Uint8Array => tokens.bytes[id] ?? empty;
  return {
    path,
    vocabularySize,
    maxTokenId: Math.max(maxTokenId, vocabularySize - 1),
    maxPositions: number(text["max_position_embeddings"]) ?? 2048,
    modelType: typeof text["model_type"] === "string" ? text["model_type"] : "",
    architectures: strings(config["architectures"]),
    bosTokenId: number(text["bos_token_id"]) ?? 0,
    padTokenId: number(text["pad_token_id"]) ?? 0,
    configEosIds: ids(text["eos_token_id"]),
    eosId,
    extraEosIds: ids(generationConfig["eos_token_id"]).filter((id) => id !== eosId),
    defaultSamplingParamsJson: defaultSamplingParams(generationConfig),
    vocabulary: {
      size: Math.max(vocabularySize, tokens.bytes.length),
      paragraphs: paragraphs(tokens),
      eosId,
      isSpecial: (id) => tokens.special.has(id),
      endsSentence: (id) => endsSentence(bytesOf(id)),
    },
    bytesOf,
    encode: (input) => [...new TextEncoder().encode(input)].map((byte) => tokens.idOfByte[byte] ?? 0),
  };
}

interface Tokens {
  readonly bytes: (Uint8Array | undefined)[];
  readonly special: ReadonlySet<number>;
  idOf(token: string | undefined): number | undefined;
  readonly idOfByte: readonly (number | undefined)[];
  idOfText(text: string): number | undefined;
}

function readTokens(files: ModelFiles): Tokens {
  const model = files.tokenizer["model"];
  const vocabulary = isJsonObject(model) && isJsonObject(model["vocab"]) ? model["vocab"] : undefined;
  if (vocabulary === undefined) {
    throw new SimulatorError("invalid_model", `${files.path}: tokenizer.json has no vocabulary by name`);
  }
  const encoder = new TextEncoder();
  const bytes: (Uint8Array | undefined)[] = [];
  const special = new Set<number>();
  const idOfByte: (number | undefined)[] = [];
  const byText = new Map<string, number>();
  const decoder = new TextDecoder();
  for (const [token, id] of Object.entries(vocabulary)) {
    if (typeof id !== "number") continue;
    const content = byteLevelBytes(token) ?? encoder.encode(token.replaceAll("\u2581", " "));
    bytes[id] = content;
    if (content.length === 1) idOfByte[content[0] ?? 0] = id;
    byText.set(decoder.decode(content), id);
  }
  const added = files.tokenizer["added_tokens"];
  const addedIds = new Map<string, number>();
  for (const token of Array.isArray(added) ? added : []) {
    if (!isJsonObject(token)) continue;
    const { id, content } = token;
    if (typeof id !== "number" || typeof content !== "string") continue;
    bytes[id] = encoder.encode(content);
    addedIds.set(content, id);
    if (token["special"] === true) special.add(id);
  }
  return {
    bytes,
    special,
    idOfByte,
    idOf: (token) => (token === undefined ? undefined : (addedIds.get(token) ?? number(vocabulary[token]))),
    idOfText: (text) => byText.get(text),
  };
}

/** The text to imitate, in words this vocabulary has as one token. */
function paragraphs(tokens: Tokens): number[][] {
  const result: number[][] = [];
  for (const paragraph of readFileSync(corpusPath, "utf8").split("\n\n")) {
    const ids: number[] = [];
    for (const [piece] of `${paragraph.trim()}\n\n`.matchAll(/ ?[A-Za-z]+| ?[^\sA-Za-z0-9]+\n*| ?[0-9]+/g)) {
      const id = tokens.idOfText(piece);
      if (id !== undefined) ids.push(id);
    }
    if (ids.length > 0) result.push(ids);
  }
  if (result.length > 0) return result;
  throw new SimulatorError("invalid_model", "the tokenizer has no token for any English word");
}

function endsSentence(bytes: Uint8Array): boolean {
  let last = bytes.length - 1;
  while (bytes[last] === 0x0a) last--;
  const byte = bytes[last];
  return byte === 0x2e || byte === 0x3f || byte === 0x21;
}

function defaultSamplingParams(generationConfig: JsonObject): string {
  const defaults: Record<string, number> = {};
  for (const [name, neutral] of samplingDefaults) {
    const value = number(generationConfig[name]);
    if (value !== undefined && value !== neutral) defaults[name] = value;
  }
  return Object.keys(defaults).length === 0 ? "" : JSON.stringify(defaults);
}

function tokenText(value: unknown): string | undefined {
  const content = isJsonObject(value) ? value["content"] : value;
  return typeof content === "string" ? content : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function ids(value: unknown): number[] {
  return (Array.isArray(value) ? value : [value]).filter((id) => typeof id === "number");
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}
