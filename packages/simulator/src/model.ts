import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DefaultSampling } from "@vllm-router/api";
import { createTokenizer, TextError, type Tokenizer } from "@vllm-router/text";
import { isJsonObject, type JsonObject, type ModelFiles, readModelFiles } from "./model-files.ts";
import { SimulatorError } from "./simulator-error.ts";
import type { TokenModelVocabulary } from "./token-model.ts";

/** What the engine knows of its model. */
export interface Model {
  readonly path: string;
  readonly files: ModelFiles;
  readonly tokenizer: Tokenizer;
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
  /** The same for the HTTP face. */
  readonly defaultSampling: DefaultSampling;
  /** Sampling defaults that differ from neutral, compact JSON, "" when there are none. */
  readonly defaultSamplingParamsJson: string;
  readonly vocabulary: TokenModelVocabulary;
}

/** Directory of the built-in model. */
const builtinModelPath: string = fileURLToPath(new URL("../assets/model", import.meta.url));
const corpusPath = new URL("../assets/corpus.txt", import.meta.url);

const samplingDefaults: readonly (readonly [name: string, neutral: number])[] = [
  ["temperature", 1],
  ["top_p", 1],
  ["top_k", 50],
  ["min_p", 0],
  ["repetition_penalty", 1],
];

const httpDefaultNames = [
  ["temperature", "temperature"],
  ["topP", "top_p"],
  ["topK", "top_k"],
  ["minP", "min_p"],
  ["repetitionPenalty", "repetition_penalty"],
  ["maxTokens", "max_new_tokens"],
] as const;

let builtinModel: Model | undefined;

/** The built-in model, read once. */
export function loadBuiltinModel(): Model {
  builtinModel ??= loadModel(builtinModelPath);
  return builtinModel;
}

/**
 * Reads a model directory.
 * @throws SimulatorError invalid_model
 */
export function loadModel(path: string): Model {
  const files = readModelFiles(path);
  const tokenizer = readTokenizer(files);
  const { config, generationConfig } = files;
  const text = isJsonObject(config["text_config"]) ? { ...config, ...config["text_config"] } : config;
  const vocabularySize = number(text["vocab_size"]) ?? tokenizer.vocabularySize;
  const size = Math.max(vocabularySize, tokenizer.vocabularySize);
  const eosId = tokenizer.endOfSequenceTokenId ?? ids(text["eos_token_id"])[0];
  return {
    path,
    files,
    tokenizer,
    vocabularySize,
    maxTokenId: size - 1,
    maxPositions: number(text["max_position_embeddings"]) ?? 2048,
    modelType: typeof text["model_type"] === "string" ? text["model_type"] : "",
    architectures: strings(config["architectures"]),
    bosTokenId: number(text["bos_token_id"]) ?? 0,
    padTokenId: number(text["pad_token_id"]) ?? 0,
    configEosIds: ids(text["eos_token_id"]),
    eosId,
    extraEosIds: ids(generationConfig["eos_token_id"]).filter((id) => id !== eosId),
    defaultSampling: httpDefaults(generationConfig),
    defaultSamplingParamsJson: defaultSamplingParams(generationConfig),
    vocabulary: {
      size,
      paragraphs: paragraphs(tokenizer),
      eosId,
      isSpecial: (id) => tokenizer.isSpecial(id),
      endsLine: (id) => tokenizer.tokenText(id).endsWith("\n"),
      endsSentence: (id) => /[.!?]\n*$/.test(tokenizer.tokenText(id)),
    },
  };
}

function readTokenizer(files: ModelFiles): Tokenizer {
  try {
    return createTokenizer(files.texts);
  } catch (cause) {
    if (!(cause instanceof TextError)) throw cause;
    throw new SimulatorError("invalid_model", `${files.path}: ${cause.message}`, { cause });
  }
}

/** The text that the token model imitates. */
function paragraphs(tokenizer: Tokenizer): number[][] {
  return readFileSync(corpusPath, "utf8")
    .split("\n\n")
    .map((paragraph) => [...tokenizer.encode(`${paragraph.trim()}\n\n`, false)]);
}

function defaultSamplingParams(generationConfig: JsonObject): string {
  const defaults: Record<string, number> = {};
  for (const [name, neutral] of samplingDefaults) {
    const value = number(generationConfig[name]);
    if (value !== undefined && value !== neutral) defaults[name] = value;
  }
  return Object.keys(defaults).length === 0 ? "" : JSON.stringify(defaults);
}

function httpDefaults(generationConfig: JsonObject): DefaultSampling {
  const pairs = httpDefaultNames.map(([name, key]) => [name, number(generationConfig[key])] as const);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined));
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
