import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { TokenizerFiles } from "@vllm-router/text";
import { SimulatorError } from "./simulator-error.ts";

/** A parsed JSON object of a model directory. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The files of a model directory that matter without weights. */
export interface ModelFiles {
  /** The directory. */
  readonly path: string;
  readonly texts: TokenizerFiles;
  readonly tokenizerConfig: JsonObject;
  /** Text of chat_template.jinja. */
  readonly chatTemplate: string | undefined;
  readonly config: JsonObject;
  readonly generationConfig: JsonObject;
}

/** Names that GetTokenizer sends when they exist, in this order. */
const bundledNames = [
  "tokenizer.json",
  "tokenizer_config.json",
  "config.json",
  "generation_config.json",
  "special_tokens_map.json",
  "vocab.json",
  "merges.txt",
  "tokenizer.model",
  "tiktoken.model",
  "chat_template.json",
  "preprocessor_config.json",
  "processor_config.json",
  "video_preprocessor_config.json",
];
const bundledSuffixes = [".tiktoken", ".jinja", ".model"];

/**
 * Reads a model directory.
 * @throws SimulatorError invalid_model when it is no directory or has no readable tokenizer.json
 */
export function readModelFiles(path: string): ModelFiles {
  if (!isDirectory(path)) {
    throw new SimulatorError(
      "invalid_model",
      `${path} is not a directory. The simulator takes a local model directory, or none for its own model.`,
    );
  }
  const tokenizerJson = readText(path, "tokenizer.json");
  const tokenizerConfig = readText(path, "tokenizer_config.json");
  const specialTokensMap = readText(path, "special_tokens_map.json");
  if (tokenizerJson === undefined) {
    throw new SimulatorError("invalid_model", `${path} has no tokenizer.json`);
  }
  return {
    path,
    texts: {
      tokenizerJson,
      ...(tokenizerConfig === undefined ? {} : { tokenizerConfig }),
      ...(specialTokensMap === undefined ? {} : { specialTokensMap }),
    },
    tokenizerConfig: readJson(path, "tokenizer_config.json") ?? {},
    chatTemplate: readText(path, "chat_template.jinja"),
    config: readJson(path, "config.json") ?? {},
    generationConfig: readJson(path, "generation_config.json") ?? {},
  };
}

/** The files GetTokenizer sends, by name. */
export function readTokenizerFiles(path: string): Map<string, Uint8Array> {
  const present = new Set(readdirSync(path));
  const suffixed = [...present].filter((name) => bundledSuffixes.some((suffix) => name.endsWith(suffix)));
  const names = new Set([...bundledNames.filter((name) => present.has(name)), ...suffixed.sort()]);
  return new Map([...names].map((name) => [name, readFileSync(join(path, name))]));
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function readText(path: string, name: string): string | undefined {
  const file = join(path, name);
  return statSync(file, { throwIfNoEntry: false }) === undefined ? undefined : readFileSync(file, "utf8");
}

function readJson(path: string, name: string): JsonObject | undefined {
  const text = readText(path, name);
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new SimulatorError("invalid_model", `${join(path, name)} is not JSON`, { cause });
  }
  if (!isJsonObject(value)) {
    throw new SimulatorError("invalid_model", `${join(path, name)} is not a JSON object`);
  }
  return value;
}
