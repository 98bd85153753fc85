import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { CliError } from "./cli-error.ts";

const require = createRequire(import.meta.url);

/** The programs of npm packages that are installed beside this one, by where their package.json is. */
const manifests = {
  "vllm-router": () => require.resolve("vllm-router/package.json"),
  "vllm-simulator": () => require.resolve("@vllm-router/simulator/package.json"),
};

/**
 * Finds the program of an npm package: this Node and the file it runs.
 * @throws CliError program_missing
 */
export function findPackagedProgram(program: keyof typeof manifests): {
  readonly command: string;
  readonly args: readonly string[];
} {
  try {
    const manifest = manifests[program]();
    const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
    const file = join(dirname(manifest), bin[program] ?? "");
    return { command: process.execPath, args: [file] };
  } catch (cause) {
    const message = `the program ${program} was not found; install vllm-serve again`;
    throw new CliError("program_missing", message, { cause });
  }
}
