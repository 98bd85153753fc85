import { readFileSync } from "node:fs";
import type { DeepPartialRequest } from "./engine-client.ts";

/** One recorded call. */
export interface RecordedCase {
  readonly id: string;
  readonly rpc: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly responses: readonly Readonly<Record<string, unknown>>[];
  readonly error: { readonly code: string; readonly details: string } | null;
}

/** The recorded calls of one kind. */
export function recordedCases(rpc: string): RecordedCase[] {
  return readFileSync(new URL("__fixtures__/vllm-engine.jsonl", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as RecordedCase)
    .filter((recorded) => recorded.rpc === rpc);
}

/** A recorded request in the names of our messages. */
export function generateRequest(recorded: Readonly<Record<string, unknown>>): DeepPartialRequest {
  const { tokenized, text, sampling_params: sampling, ...rest } = recorded;
  const input = tokenized as
    | { input_ids: number[] | { from: number; count: number; step: number } }
    | undefined;
  return {
    ...camelCase(rest),
    ...(input === undefined
      ? {}
      : { input: { $case: "tokenized", value: { originalText: "", inputIds: expand(input.input_ids) } } }),
    ...(text === undefined ? {} : { input: { $case: "text", value: text } }),
    samplingParams: samplingParams(sampling as Record<string, unknown>),
  } as DeepPartialRequest;
}

const constraints = ["json_schema", "regex", "grammar", "structural_tag", "json_object", "choice"];

function samplingParams(recorded: Record<string, unknown>): Record<string, unknown> {
  const constraint = constraints.find((name) => name in recorded);
  if (constraint === undefined) return camelCase(recorded);
  const { [constraint]: value, ...rest } = recorded;
  return { ...camelCase(rest), constraint: { $case: Object.keys(camelCase({ [constraint]: 0 }))[0], value } };
}

function camelCase(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const camel = (name: string): string =>
    name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [camel(name), value]));
}

function expand(ids: number[] | { from: number; count: number; step: number }): number[] {
  return Array.isArray(ids)
    ? ids
    : Array.from({ length: ids.count }, (_, index) => ids.from + index * ids.step);
}
