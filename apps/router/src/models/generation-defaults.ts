import type { DefaultSampling } from "@vllm-router/api";
import { RouterError } from "../router-error.ts";
import { fileText, type ModelFiles } from "./model-files.ts";

/** Sampling defaults and end tokens of a model. */
export interface GenerationDefaults {
  readonly sampling: DefaultSampling;
  /** Output tokens no request may pass; undefined for none. */
  readonly maxTokensLimit: number | undefined;
  /** Ids of generation_config.json's `eos_token_id`, as a list. */
  readonly endTokenIds: readonly number[];
}

/** Keys of generation_config.json that vLLM takes as sampling defaults, and their names here. */
const DEFAULT_KEYS: readonly (readonly [key: string, name: keyof DefaultSampling])[] = [
  ["temperature", "temperature"],
  ["top_p", "topP"],
  ["top_k", "topK"],
  ["min_p", "minP"],
  ["repetition_penalty", "repetitionPenalty"],
  ["max_new_tokens", "maxTokens"],
];

/** Where the defaults come from. */
export interface GenerationDefaultsOptions {
  /** `auto` (the model's files), `vllm` (none), or a directory, whose files are then in `directoryFiles`. */
  readonly source: string;
  readonly directoryFiles: ModelFiles | undefined;
  /** `--override-generation-config`. */
  readonly overrides: Readonly<Record<string, unknown>>;
}

/**
 * Reads generation_config.json as vLLM does (`get_diff_sampling_param`): only repetition_penalty, temperature, top_k,
 * top_p, min_p and max_new_tokens count; overrides win; an explicit null stands for "not set".
 * @throws RouterError `model_files` when the file is not a JSON object
 */
export function readGenerationDefaults(
  files: ModelFiles,
  options: GenerationDefaultsOptions,
): GenerationDefaults {
  const fromFile =
    options.source === "vllm" ? {} : readObject(options.directoryFiles ?? files, "generation_config.json");
  const merged: Readonly<Record<string, unknown>> = { ...fromFile, ...options.overrides };
  const sampling: Record<string, number> = {};
  for (const [key, name] of DEFAULT_KEYS) {
    const value = merged[key];
    if (typeof value === "number") {
      sampling[name] = value;
    }
  }
  const overridden = options.overrides["max_new_tokens"];
  const fromDirectory = options.directoryFiles === undefined ? undefined : sampling["maxTokens"];
  return {
    sampling,
    // A hard limit only where somebody set it on purpose: by override, or by a directory of their own.
    maxTokensLimit: typeof overridden === "number" ? overridden : fromDirectory,
    endTokenIds: idList(merged["eos_token_id"]),
  };
}

/** A JSON file of the model as an object; empty when the file is absent. */
export function readObject(files: ModelFiles, name: string): Readonly<Record<string, unknown>> {
  const text = fileText(files, name);
  if (text === undefined) {
    return {};
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RouterError("model_files", `${name}: not valid JSON`, { cause: error });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RouterError("model_files", `${name}: not a JSON object`);
  }
  return value as Readonly<Record<string, unknown>>;
}

function idList(value: unknown): readonly number[] {
  const list = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => Number.isInteger(id));
}
