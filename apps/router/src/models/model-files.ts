import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { RouterError } from "../router-error.ts";

/** File name to content, of the files a tokenizer, a template and sampling defaults may come from. */
export type ModelFiles = ReadonlyMap<string, Uint8Array>;

/** Names looked for in a model directory. */
const WANTED_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "chat_template.json",
  "config.json",
  "generation_config.json",
] as const;

/** Largest file accepted from a directory; the biggest published tokenizer.json are below 40 MB. */
const FILE_LIMIT_BYTES = 256 * 1024 * 1024;

/**
 * Reads what there is in a directory, or one tokenizer.json.
 * @throws RouterError `model_files` when the path does not exist or a file is too large
 */
export async function readLocalModelFiles(path: string): Promise<ModelFiles> {
  const information = await stat(path).catch((error: unknown) => {
    throw new RouterError("model_files", `${path}: cannot be read`, { cause: error });
  });
  if (information.isFile()) {
    return new Map([
      [basename(path) === "tokenizer.json" ? "tokenizer.json" : basename(path), await readLimited(path)],
    ]);
  }
  const files = new Map<string, Uint8Array>();
  for (const name of WANTED_FILES) {
    const file = join(path, name);
    const exists = await stat(file).then(
      (found) => found.isFile(),
      () => false,
    );
    if (exists) {
      files.set(name, await readLimited(file));
    }
  }
  return files;
}

async function readLimited(path: string): Promise<Uint8Array> {
  const { size } = await stat(path);
  if (size > FILE_LIMIT_BYTES) {
    throw new RouterError(
      "model_files",
      `${path}: ${size} bytes is more than the limit of ${FILE_LIMIT_BYTES}`,
    );
  }
  return readFile(path);
}

/** Hash over the names and contents that decide how text becomes tokens; 16 hex characters. */
export function modelFilesHash(files: ModelFiles): string {
  const hash = createHash("sha256");
  for (const name of [...files.keys()].toSorted()) {
    hash.update(`${name}\0${files.get(name)?.length ?? 0}\0`);
    hash.update(files.get(name) ?? new Uint8Array());
  }
  return hash.digest("hex").slice(0, 16);
}

/** Text of a file; undefined when it is absent. */
export function fileText(files: ModelFiles, name: string): string | undefined {
  const bytes = files.get(name);
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}
