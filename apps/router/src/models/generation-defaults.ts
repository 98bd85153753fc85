import type { DefaultSampling } from "@vllm-router/api";
import { fileObject, type ModelFiles } from "./model-files.ts";

/** Sampling defaults and end tokens of a model. */
export interface GenerationDefaults {
  readonly sampling: DefaultSampling;
  /** Output tokens no request may pass; undefined for none. */
  readonly maxTokensLimit: number | undefined;
  /** Ids of generation_config.json's `eos_token_id`, as a list. */
  readonly endTokenIds: readonly number[];
}

/** What an engine itself says of its defaults; counts where there is no file to read. */
export interface EngineDefaults {
  /** Values by their names in generation_config.json. */
  readonly samplingDefaults: Readonly<Record<string, number>>;
  readonly endTokenIds: readonly number[];
}

/** Where the defaults come from. */
export interface GenerationDefaultsOptions {
  /** `--generation-config`: `auto` (the model's files), `vllm` (none), or a directory, then in `directoryFiles`. */
  readonly source: string;
  readonly directoryFiles: ModelFiles | undefined;
  /** `--override-generation-config`. */
  readonly overrides: Readonly<Record<string, unknown>>;
  readonly engine: EngineDefaults;
}

/** Keys of generation_config.json that vLLM takes as sampling defaults, and their names here. */
const DEFAULT_KEYS: readonly (readonly [key: string, name: keyof DefaultSampling])[] = [
  ["repetition_penalty", "repetitionPenalty"],
  ["presence_penalty", "presencePenalty"],
  ["frequency_penalty", "frequencyPenalty"],
  ["temperature", "temperature"],
  ["top_k", "topK"],
  ["top_p", "topP"],
  ["min_p", "minP"],
  ["max_new_tokens", "maxTokens"],
];

/** Sub-configurations of config.json that may hold generation settings, in transformers' order. */
const NESTED_CONFIGS = ["decoder", "generator", "text_config"] as const;

/**
 * Reads generation_config.json as vLLM does (`ModelConfig.get_diff_sampling_param`): a fixed list of settings counts;
 * overrides win; an explicit null stands for "not set". End tokens are the file's alone, whatever `source` and overrides
 * say, unless `source` is a directory. Without the file config.json stands in, as in transformers.
 * @throws RouterError `model_files` when a file is not a JSON object
 */
export function readGenerationDefaults(
  files: ModelFiles,
  options: GenerationDefaultsOptions,
): GenerationDefaults {
  const { source, directoryFiles, overrides, engine } = options;
  const config = generationConfig(directoryFiles ?? files, directoryFiles === undefined ? engine : undefined);
  const merged: Readonly<Record<string, unknown>> = {
    ...(source === "vllm" ? {} : config),
    ...overrides,
  };
  const sampling: Record<string, number> = {};
  for (const [key, name] of DEFAULT_KEYS) {
    const value = merged[key];
    if (typeof value === "number") {
      sampling[name] = value;
    }
  }
  const overridden = overrides["max_new_tokens"];
  const fromDirectory = directoryFiles === undefined ? undefined : sampling["maxTokens"];
  return {
    sampling,
    // A hard limit only where somebody set it on purpose: by override, or by a directory of their own.
    maxTokensLimit: typeof overridden === "number" ? overridden : fromDirectory,
    endTokenIds: idList(config["eos_token_id"]),
  };
}

function generationConfig(
  files: ModelFiles,
  engine: EngineDefaults | undefined,
): Readonly<Record<string, unknown>> {
  const own = fileObject(files, "generation_config.json");
  if (own !== undefined) {
    return own;
  }
  const config = fileObject(files, "config.json");
  const fallback = engine === undefined ? {} : { eos_token_id: engine.endTokenIds };
  if (config === undefined) {
    return { ...engine?.samplingDefaults, ...fallback };
  }
  const nested = NESTED_CONFIGS.map((name) => config[name]).find(
    (value) => typeof value === "object" && value !== null,
  );
  return {
    ...fallback,
    ...withoutNulls(nested as Readonly<Record<string, unknown>> | undefined),
    ...withoutNulls(config),
  };
}

function withoutNulls(
  object: Readonly<Record<string, unknown>> | undefined,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object ?? {}).filter(([, value]) => value !== null));
}

function idList(value: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return [...new Set(list.filter((id): id is number => Number.isInteger(id)))];
}
