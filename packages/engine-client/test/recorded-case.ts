import { readFileSync } from "node:fs";
import type { GenerateResponse, GetLoadsResponse, GetServerInfoResponse } from "@vllm-router/proto/messages";
import {
  GenerateComplete,
  GenerateStreamChunk,
  GetLoadsResponse as LoadsMessage,
  GetServerInfoResponse as ServerInfoMessage,
} from "@vllm-router/proto/messages";

interface RecordedLogprobs {
  readonly token_logprobs: readonly number[];
  readonly token_ids: readonly number[];
  readonly top_logprobs?: readonly {
    readonly values?: readonly number[];
    readonly token_ids?: readonly number[];
  }[];
}

interface RecordedInputLogprobs extends Omit<RecordedLogprobs, "token_logprobs"> {
  readonly token_logprobs: readonly { readonly value?: number }[];
}

/** A chunk or complete as proto JSON; what is zero is left out. */
export interface RecordedMessage {
  readonly token_ids?: readonly number[];
  readonly output_ids?: readonly number[];
  readonly finish_reason?: string;
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly cached_tokens?: number;
  readonly index?: number;
  readonly output_logprobs?: RecordedLogprobs;
  readonly input_logprobs?: RecordedInputLogprobs;
  readonly matched_token_id?: number;
  readonly matched_stop_str?: string;
  readonly kv_transfer_params_json?: string;
}

/** One recorded Generate call. */
export interface RecordedCase {
  readonly id: string;
  readonly request: {
    readonly request_id: string;
    readonly tokenized: { readonly input_ids: readonly number[] };
    readonly sampling_params: Readonly<Record<string, unknown>>;
    readonly stream?: boolean;
    readonly kv_transfer_params_json?: string;
  };
  readonly responses: readonly { readonly chunk?: RecordedMessage; readonly complete?: RecordedMessage }[];
}

/** The recorded Generate calls. */
export function recordedCases(): readonly RecordedCase[] {
  return readLines<RecordedCase>("generate.jsonl");
}

/** The recorded answer of a unary call. */
export function recordedServerInfo(id: string): GetServerInfoResponse {
  return ServerInfoMessage.fromPartial(camelCase(recordedUnary(id)) as Partial<GetServerInfoResponse>);
}

/** The recorded answer of GetLoads. */
export function recordedLoads(id: string): GetLoadsResponse {
  return LoadsMessage.fromPartial(camelCase(recordedUnary(id)) as Partial<GetLoadsResponse>);
}

/** The message that was recorded. */
export function responseOf(recorded: RecordedCase["responses"][number]): GenerateResponse {
  const { chunk, complete } = recorded;
  if (chunk !== undefined) {
    const value = GenerateStreamChunk.fromPartial(camelCase(chunk) as Partial<GenerateStreamChunk>);
    return { response: { $case: "chunk", value } };
  }
  const value = GenerateComplete.fromPartial(camelCase(complete) as Partial<GenerateComplete>);
  if (complete?.matched_stop_str !== undefined) {
    value.matchedStop = { $case: "matchedStopStr", value: complete.matched_stop_str };
  }
  if (complete?.matched_token_id !== undefined) {
    value.matchedStop = { $case: "matchedTokenId", value: complete.matched_token_id };
  }
  return { response: { $case: "complete", value } };
}

function recordedUnary(id: string): unknown {
  const found = readLines<{ readonly id: string; readonly responses: readonly unknown[] }>(
    "unary.jsonl",
  ).find((line) => line.id === id);
  if (found === undefined) throw new Error(`no recording ${id}`);
  return found.responses[0];
}

function readLines<TLine>(name: string): TLine[] {
  const text = readFileSync(new URL(`__fixtures__/${name}`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as TLine);
}

/** Names of proto JSON as the generated code has them. */
export function camelCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCase);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/_([a-z])/g, (_match, letter: string) => letter.toUpperCase()),
      camelCase(inner),
    ]),
  );
}
