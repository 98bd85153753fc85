import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { REAL_VLLM } from "./program.ts";

/** What `clients.py` tries with the official Python clients, one name a check. */
export const CLIENT_CHECKS = [
  "openai chat",
  "openai chat stream helper",
  "openai tools",
  "openai structured parse",
  "openai responses",
  "openai responses stream helper",
  "openai completions",
  "openai asynchronous",
  "openai errors",
  "anthropic messages",
  "anthropic stream helper",
  "anthropic tools",
  "anthropic count_tokens",
  "anthropic errors",
] as const;

/** What it tries with a model that embeds. */
export const POOLING_CLIENT_CHECKS = [
  "openai embeddings",
  "openai embeddings asynchronous",
  "openai embeddings errors",
] as const;

/**
 * Runs all checks of one kind against a server, with the Python of the environment.
 * @returns by name what went wrong; an empty text where nothing did
 */
export async function runClientChecks(options: {
  readonly baseUrl: string;
  readonly model: string;
  readonly kind: "generating" | "pooling";
}): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await promisify(execFile)(
    join(REAL_VLLM, "venv", "bin", "python"),
    [join(import.meta.dirname, "..", "clients.py"), options.baseUrl, options.model, options.kind],
    { timeout: 240_000, maxBuffer: 16 * 1024 * 1024 },
  );
  return new Map(Object.entries(JSON.parse(stdout) as Record<string, string>));
}
