import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "../router-error.ts";

/** File name to content, of the files a tokenizer, a template and sampling defaults may come from. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** The files that say how text becomes tokens. */
export const TOKENIZER_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
] as const;

/** The files with a model's chat template beside `tokenizer_config.json`. */
export const TEMPLATE_FILES = ["chat_template.jinja", "chat_template.json"] as const;

/** Folder with further named templates, one `NAME.jinja` each. */
export const ADDITIONAL_TEMPLATES = "additional_chat_templates/";

/** Names looked for in a model directory. */
const WANTED_FILES = [
  ...TOKENIZER_FILES,
  ...TEMPLATE_FILES,
  "config.json",
  "generation_config.json",
  "config_sentence_transformers.json",
  "sentence_bert_config.json",
] as const;

/** Largest file accepted; the biggest published tokenizer.json are below 40 MB. */
export const MODEL_FILE_LIMIT_BYTES = 256 * 1024 * 1024;

/** Most named templates taken from a folder. */
const ADDITIONAL_TEMPLATE_LIMIT = 64;

/**
 * Reads what there is in a directory, or one tokenizer.json of any name.
 * @throws RouterError `model_files` when the path cannot be read or a file is too large
 */
export async function readLocalModelFiles(path: string): Promise<ModelFiles> {
  const information = await stat(path).catch((error: unknown) => {
    throw new RouterError("model_files", `${path}: cannot be read`, { cause: error });
  });
  if (information.isFile()) {
    return new Map([["tokenizer.json", await readLimited(path)]]);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of [...WANTED_FILES, ...(await additionalTemplateNames(path))]) {
    const file = join(path, name);
    if (await isFile(file)) {
      files.set(name, await readLimited(file));
    }
  }
  return files;
}

/** True when there is something at the path. */
export async function pathExists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Hash over the files that decide what a client gets (tokenizer, templates, generation defaults), by name and content:
 * workers of one model must agree on it. 16 hexadecimal characters.
 */
export function modelFilesHash(files: ModelFiles): string {
  const known = hashes.get(files);
  if (known !== undefined) {
    return known;
  }
  const result = hashOf(files);
  hashes.set(files, result);
  return result;
}

/** Workers of one model share their files: tens of megabytes are read once. */
const hashes = new WeakMap<ModelFiles, string>();

function hashOf(files: ModelFiles): string {
  const hash = createHash("sha256");
  for (const name of [...files.keys()].filter(isDecisive).toSorted()) {
    const content = files.get(name) ?? new Uint8Array();
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 16);
}

/** Text of a file; undefined when it is absent. */
export function fileText(files: ModelFiles, name: string): string | undefined {
  const bytes = files.get(name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

/**
 * A JSON file as an object; undefined when the file is absent.
 * @throws RouterError `model_files` when it is not a JSON object
 */
export function fileObject(files: ModelFiles, name: string): Readonly<Record<string, unknown>> | undefined {
  const text = fileText(files, name);
  if (text === undefined) {
    return undefined;
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

function isDecisive(name: string): boolean {
  const known: readonly string[] = [...TOKENIZER_FILES, ...TEMPLATE_FILES, "generation_config.json"];
  return known.includes(name) || name.startsWith(ADDITIONAL_TEMPLATES);
}

async function additionalTemplateNames(path: string): Promise<readonly string[]> {
  const names = await readdir(join(path, ADDITIONAL_TEMPLATES)).catch(() => []);
  return names
    .filter((name) => name.endsWith(".jinja"))
    .toSorted()
    .slice(0, ADDITIONAL_TEMPLATE_LIMIT)
    .map((name) => `${ADDITIONAL_TEMPLATES}${name}`);
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

async function readLimited(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > MODEL_FILE_LIMIT_BYTES) {
    throw new RouterError(
      "model_files",
      `${path}: ${size} bytes is more than the limit of ${MODEL_FILE_LIMIT_BYTES}`,
    );
  }
  return readFile(path);
}
