import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const builtin = new URL("../assets/model/", import.meta.url);

/** A copy of the built-in model that claims the vocabulary of Qwen 3, so that recorded ids are in it. */
export function createWideModel(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "vllm-simulator-"));
  cpSync(builtin, path, { recursive: true });
  const config: object = JSON.parse(readFileSync(join(path, "config.json"), "utf8"));
  writeFileSync(join(path, "config.json"), JSON.stringify({ ...config, vocab_size: 151_936 }));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}
