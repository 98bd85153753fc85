import { RouterError } from "../router-error.ts";
import { isHubName, readHubModelFiles, type HubOptions } from "./hub-files.ts";
import {
  ADDITIONAL_TEMPLATES,
  pathExists,
  readLocalModelFiles,
  TEMPLATE_FILES,
  TOKENIZER_FILES,
  type ModelFiles,
} from "./model-files.ts";

/** What an engine says about where its files are. */
export interface FileSources {
  /** Files the engine handed out; empty when it hands out none. */
  readonly files: ModelFiles;
  /** Directory on the engine's machine, or hub name. */
  readonly tokenizerPath: string;
}

/** Flags that come before what the engine says. */
export interface FileFlags {
  /** `--model-path`: directory or hub name. */
  readonly modelPath: string | undefined;
  /** `--tokenizer-path`: directory, tokenizer.json or hub name. */
  readonly tokenizerPath: string | undefined;
  readonly hub: HubOptions;
}

/**
 * Finds a model's files: `--model-path`, else what the engine handed out, else the engine's own path or hub name, looked
 * for on this machine, in the hub cache and on the hub. `--tokenizer-path` replaces the tokenizer and its templates.
 * @throws RouterError `model_files` saying what was tried and which flag helps
 */
export async function resolveModelFiles(sources: FileSources, flags: FileFlags): Promise<ModelFiles> {
  const { modelPath, tokenizerPath, hub } = flags;
  if (tokenizerPath === undefined) {
    return baseFiles(sources, flags);
  }
  const [tokenizer, base] = await Promise.all([
    readModelFiles(tokenizerPath, hub),
    // Without --model-path the rest is what the engine can give; the tokenizer was asked for, not a search for more.
    modelPath === undefined ? sources.files : readModelFiles(modelPath, hub),
  ]);
  return new Map([
    ...[...base].filter(([name]) => !belongsToTokenizer(name)),
    ...[...tokenizer].filter(([name]) => belongsToTokenizer(name)),
  ]);
}

/** Files of a path on this machine or of a hub name. @throws RouterError `model_files` */
export async function readModelFiles(pathOrName: string, hub: HubOptions): Promise<ModelFiles> {
  if (await pathExists(pathOrName)) {
    return readLocalModelFiles(pathOrName);
  }
  if (isHubName(pathOrName)) {
    return readHubModelFiles(pathOrName, hub);
  }
  throw new RouterError("model_files", `${pathOrName}: there is no such path on this machine`);
}

async function baseFiles(sources: FileSources, flags: FileFlags): Promise<ModelFiles> {
  if (flags.modelPath !== undefined) {
    return readModelFiles(flags.modelPath, flags.hub);
  }
  if (sources.files.has("tokenizer.json")) {
    return sources.files;
  }
  try {
    return await readModelFiles(sources.tokenizerPath, flags.hub);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RouterError(
      "model_files",
      `the engine hands out no tokenizer.json, and its tokenizer cannot be found here: ${reason}. Give --model-path or --tokenizer-path.`,
      { cause: error },
    );
  }
}

function belongsToTokenizer(name: string): boolean {
  const known: readonly string[] = [...TOKENIZER_FILES, ...TEMPLATE_FILES];
  return known.includes(name) || name.startsWith(ADDITIONAL_TEMPLATES);
}
