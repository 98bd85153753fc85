import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "../router-error.ts";
import {
  MODEL_FILE_LIMIT_BYTES,
  readLocalModelFiles,
  TEMPLATE_FILES,
  TOKENIZER_FILES,
  type ModelFiles,
} from "./model-files.ts";

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
const HUB_FILES = [...TOKENIZER_FILES, ...TEMPLATE_FILES, "config.json", "generation_config.json"] as const;

/** True for `owner/name` and `name`, the forms of a hub name; a path that exists is tried first by the caller. */
export function isHubName(text: string): boolean {
  return /^\w[\w.-]*(\/\w[\w.-]*)?$/.test(text);
}

/**
 * Files of a hub model: from the local cache of the Hugging Face libraries when it has them, else from the hub, kept in
 * the same cache for the next start.
 * @throws RouterError `model_files` naming the model and what was tried
 */
export async function readHubModelFiles(name: string, options: HubOptions): Promise<ModelFiles> {
  const folder = join(options.cacheDirectory, `models--${name.replaceAll("/", "--")}`);
  const cached = await readCachedSnapshot(folder);
  if (cached?.has("tokenizer.json")) {
    return cached;
  }
  if (options.offline) {
    throw problem(
      `${name}: its tokenizer.json is not in the local cache ${options.cacheDirectory}, and the hub is switched off`,
    );
  }
  const downloads = await Promise.all(HUB_FILES.map((file) => download(name, file, options)));
  const found = downloads.filter((file) => file !== undefined);
  if (found.length === 0) {
    throw problem(`${name}: the hub at ${options.endpoint} has none of ${HUB_FILES.join(", ")}`);
  }
  const files = new Map(found.map((file) => [file.name, file.bytes]));
  const [commit, ...others] = new Set(found.map((file) => file.commit));
  if (commit !== undefined && others.length === 0) {
    // A cache that cannot be written (read-only image, full disk) only costs the next start another download.
    await keepSnapshot(folder, { commit, files }).catch(() => undefined);
  }
  return files;
}

async function readCachedSnapshot(folder: string): Promise<ModelFiles | undefined> {
  const revision = await readFile(join(folder, "refs", "main"), "utf8").catch(() => "");
  if (!/^[\w-]+$/.test(revision.trim())) {
    return undefined;
  }
  const snapshot = join(folder, "snapshots", revision.trim());
  const isThere = await stat(snapshot).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere ? readLocalModelFiles(snapshot) : undefined;
}

interface DownloadedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** The commit the hub took it from; undefined when it does not say. */
  readonly commit: string | undefined;
}

async function download(
  name: string,
  file: string,
  options: HubOptions,
): Promise<DownloadedFile | undefined> {
  const url = `${options.endpoint.replace(/\/+$/, "")}/${name}/resolve/main/${file}`;
  const headers: Record<string, string> =
    options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(options.timeoutMs) });
    if (response.ok) {
      const commit = response.headers.get("x-repo-commit") ?? "";
      return {
        name: file,
        bytes: await receive(response, `${name}: ${file}`),
        commit: /^[0-9a-f]{40}$/.test(commit) ? commit : undefined,
      };
    }
    await response.body?.cancel();
    if (response.status === 404) {
      return undefined;
    }
    throw problem(`${name}: the hub answered ${response.status} for ${file}${adviceFor(response.status)}`);
  } catch (error) {
    if (error instanceof RouterError) {
      throw error;
    }
    throw new RouterError("model_files", `${name}: the hub at ${options.endpoint} does not answer`, {
      cause: error,
    });
  }
}

async function receive(response: Response, what: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > MODEL_FILE_LIMIT_BYTES) {
      throw problem(`${what} is larger than the limit of ${MODEL_FILE_LIMIT_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}

function adviceFor(status: number): string {
  return status === 401 || status === 403 ? "; the model is private or gated: set HF_TOKEN" : "";
}

/** Written beside and renamed, so that another process never reads half a file. A revision that is there stays. */
async function keepSnapshot(
  folder: string,
  model: { readonly commit: string; readonly files: ModelFiles },
): Promise<void> {
  const snapshot = join(folder, "snapshots", model.commit);
  await mkdir(snapshot, { recursive: true });
  await mkdir(join(folder, "refs"), { recursive: true });
  for (const [name, bytes] of model.files) {
    const target = join(snapshot, name);
    const part = `${target}.${process.pid}.part`;
    await writeFile(part, bytes);
    await rename(part, target);
  }
  await writeFile(join(folder, "refs", "main"), model.commit, { flag: "wx" });
}

function problem(message: string): RouterError {
  return new RouterError("model_files", message);
}
