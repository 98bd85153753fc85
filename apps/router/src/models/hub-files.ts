import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "../router-error.ts";
import { readLocalModelFiles, type ModelFiles } from "./model-files.ts";

/** Where hub files come from. */
export interface HubOptions {
  /** Address of the hub, for example `https://huggingface.co`. */
  readonly endpoint: string;
  readonly token: string | undefined;
  /** Never ask the hub: only what is in the cache. */
  readonly offline: boolean;
  /** Directory that holds `models--OWNER--NAME` folders. */
  readonly cacheDirectory: string;
  /** Longest time for one file, milliseconds. */
  readonly timeoutMs: number;
}

/** Files asked of the hub; absent ones (404) are left out. */
const HUB_FILES = [
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "config.json",
  "generation_config.json",
] as const;

/** True for `owner/name` and `name`, the forms of a hub name; a path that exists is tried first by the caller. */
export function isHubName(text: string): boolean {
  return /^[\w][\w.-]*(\/[\w][\w.-]*)?$/.test(text);
}

/**
 * Files of a hub model: from the local cache of the Hugging Face libraries when it has them, else from the hub, kept in a
 * cache folder of the same layout.
 * @throws RouterError `model_files` naming the model and what was tried
 */
export async function readHubModelFiles(name: string, options: HubOptions): Promise<ModelFiles> {
  const folder = join(options.cacheDirectory, `models--${name.replaceAll("/", "--")}`);
  const cached = await readCachedSnapshot(folder);
  if (cached?.has("tokenizer.json")) {
    return cached;
  }
  if (options.offline) {
    throw new RouterError(
      "model_files",
      `${name}: not in the local cache ${options.cacheDirectory}, and the hub is switched off`,
    );
  }
  const files = new Map<string, Uint8Array>();
  for (const file of HUB_FILES) {
    const bytes = await download(name, file, options);
    if (bytes !== undefined) {
      files.set(file, bytes);
    }
  }
  if (files.size === 0) {
    throw new RouterError(
      "model_files",
      `${name}: the hub at ${options.endpoint} has none of ${HUB_FILES.join(", ")}`,
    );
  }
  await keepSnapshot(folder, files).catch(() => undefined);
  return files;
}

async function readCachedSnapshot(folder: string): Promise<ModelFiles | undefined> {
  const revision = await readFile(join(folder, "refs", "main"), "utf8").catch(() => undefined);
  if (revision === undefined || !/^[\w-]+$/.test(revision.trim())) {
    return undefined;
  }
  const snapshot = join(folder, "snapshots", revision.trim());
  const exists = await stat(snapshot).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return exists ? readLocalModelFiles(snapshot) : undefined;
}

async function download(name: string, file: string, options: HubOptions): Promise<Uint8Array | undefined> {
  const url = `${options.endpoint}/${name}/resolve/main/${file}`;
  const headers: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: AbortSignal.timeout(options.timeoutMs) });
  } catch (error) {
    throw new RouterError("model_files", `${name}: the hub at ${options.endpoint} does not answer`, {
      cause: error,
    });
  }
  if (response.status === 404) {
    await response.body?.cancel();
    return undefined;
  }
  if (!response.ok) {
    await response.body?.cancel();
    throw new RouterError("model_files", `${name}: the hub answered ${response.status} for ${file}`);
  }
  return new Uint8Array(await response.arrayBuffer());
}

/** Written beside and renamed, so that another process never reads half a file. */
async function keepSnapshot(folder: string, files: ModelFiles): Promise<void> {
  const revision = "vllm-router";
  const snapshot = join(folder, "snapshots", revision);
  await mkdir(snapshot, { recursive: true });
  await mkdir(join(folder, "refs"), { recursive: true });
  for (const [name, bytes] of files) {
    const target = join(snapshot, name);
    await writeFile(`${target}.part`, bytes);
    await rename(`${target}.part`, target);
  }
  await writeFile(join(folder, "refs", "main"), revision, { flag: "wx" });
}
