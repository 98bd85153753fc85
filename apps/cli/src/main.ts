import { readFileSync } from "node:fs";

import { ConfigError } from "@vllm-router/config";
import { LauncherError } from "@vllm-router/launcher";

import { CliError } from "./cli-error.ts";
import { run } from "./run.ts";
import type { Terminal } from "./terminal.ts";

const USAGE_ERROR = 2;

const terminal: Terminal = {
  environment: process.env,
  readFile: (path) => readFileSync(path, "utf8"),
  out: (text) => void process.stdout.write(`${text}\n`),
  error: (text) => void process.stderr.write(`${text}\n`),
  width: process.stdout.columns,
};
// A reader that went away must not end the engines.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);

const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

try {
  process.exitCode = await run(process.argv.slice(2), terminal, manifest.version);
} catch (error) {
  const isExpected =
    error instanceof CliError || error instanceof ConfigError || error instanceof LauncherError;
  if (!isExpected) throw error;
  terminal.error(`vllm-serve: ${error.message}`);
  const isUsage =
    error instanceof ConfigError || error.code === "invalid_flag" || error.code === "not_implemented";
  process.exitCode = isUsage ? USAGE_ERROR : 1;
}
