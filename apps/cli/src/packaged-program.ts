import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import { CliError } from "./cli-error.ts";

/**
 * Finds the program of an npm package that is installed beside this one.
 * @throws CliError program_missing
 */
export function findPackagedProgram(
  packageName: string,
  program: string,
): { readonly command: string; readonly args: readonly string[] } {
  try {
    const manifest = createRequire(import.meta.url).resolve(`${packageName}/package.json`);
    const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: Record<string, string> };
    const file = join(dirname(manifest), bin[program] ?? "");
    return { command: process.execPath, args: [file] };
  } catch (cause) {
    const message = `the program ${program} of ${packageName} was not found; install the package again`;
    throw new CliError("program_missing", message, { cause });
  }
}
