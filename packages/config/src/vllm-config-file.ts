import { ConfigError } from "./config-error.ts";
import type { ReadFile } from "./file.ts";
import { parseYaml } from "./parse-yaml.ts";
import { vllmFlags } from "./vllm-flags.generated.ts";

/**
 * Turns a file of `vllm serve --config` (a YAML mapping of long flag names) into arguments, as vLLM does: true gives the
 * flag, false its `--no-` form, lists several values, mappings JSON. `model` becomes the positional argument.
 * @throws ConfigError file_unreadable, file_invalid
 */
export function readVllmConfigFile(path: string, readFile: ReadFile): readonly string[] {
  let root: unknown;
  try {
    root = parseYaml(readFile(path));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const message = `--config: ${path} cannot be read: ${reason}`;
    throw new ConfigError([{ code: "file_unreadable", name: "--config", message }], { cause });
  }
  if (typeof root !== "object" || root === null || Array.isArray(root)) {
    const message = `--config: ${path} must hold a mapping of flag names to values`;
    throw new ConfigError([{ code: "file_invalid", name: "--config", message }]);
  }
  return Object.entries(root).flatMap(([key, value]) => toArguments(key, value));
}

function toArguments(key: string, value: unknown): readonly string[] {
  if (key === "model" || key === "model_tag") return [String(value)];
  if (value === true) return [`--${key}`];
  if (value === false) return isFixed(key) ? [] : [`--no-${key}`];
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) {
    return value.length === 0 ? [] : [`--${key}`, ...value.map(textOf)];
  }
  return [`--${key}=${textOf(value)}`];
}

function isFixed(key: string): boolean {
  const name = key.replaceAll("_", "-");
  return vllmFlags.some((flag) => flag.name === name && flag.fixed === true);
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
