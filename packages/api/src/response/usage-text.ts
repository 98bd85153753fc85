import type { ResponseUsage, WriterSettings } from "../writer.ts";

/** Which usage a stream carries. */
export interface UsageMode {
  /** A chunk of its own at the end. */
  readonly final: boolean;
  /** In every chunk. */
  readonly continuous: boolean;
}

/** What `stream_options` and `--enable-force-include-usage` ask for together. */
export function usageMode(
  streamOptions: ReadonlyMap<string, unknown> | null,
  settings: WriterSettings,
): UsageMode {
  if (settings.forceIncludeUsage) return { final: true, continuous: true };
  const final = streamOptions?.get("include_usage") === true;
  return { final, continuous: final && streamOptions?.get("continuous_usage_stats") === true };
}

/** The three counts, as members of an object. */
export function usageCounts(promptTokens: number, completionTokens: number): string {
  return `"prompt_tokens":${promptTokens},"total_tokens":${promptTokens + completionTokens},"completion_tokens":${completionTokens}`;
}

/** `prompt_tokens_details` where asked for and known; undefined otherwise. */
function cachedTokens(usage: ResponseUsage, settings: WriterSettings): number | undefined {
  return settings.promptTokensDetails ? usage.cachedTokens : undefined;
}

/** Output tokens, and how many of them were reasoning; undefined where no reasoning parser runs. */
export interface CompletionCounts {
  readonly tokens: number;
  readonly reasoningTokens?: number | undefined;
}

/** `completion_tokens_details`; undefined where no reasoning parser runs. */
export function completionDetails(reasoningTokens: number | undefined): string | undefined {
  return reasoningTokens === undefined ? undefined : `{"reasoning_tokens":${reasoningTokens}}`;
}

/** `usage` of a whole body: every key, nulls included. */
export function wholeUsage(counts: CompletionCounts, usage: ResponseUsage, settings: WriterSettings): string {
  const cached = cachedTokens(usage, settings);
  const details =
    cached === undefined
      ? "null"
      : `{"cached_tokens":${cached},"created_cache_tokens":null,"multimodal_tokens":null}`;
  const completion = completionDetails(counts.reasoningTokens) ?? "null";
  return `{${usageCounts(usage.promptTokens, counts.tokens)},"prompt_tokens_details":${details},"completion_tokens_details":${completion}}`;
}

/** `usage` of a stream's last chunk: no nulls. */
export function finalUsage(counts: CompletionCounts, usage: ResponseUsage, settings: WriterSettings): string {
  const cached = cachedTokens(usage, settings);
  const details = cached === undefined ? "" : `,"prompt_tokens_details":{"cached_tokens":${cached}}`;
  const completion = completionDetails(counts.reasoningTokens);
  const more = completion === undefined ? "" : `,"completion_tokens_details":${completion}`;
  return `{${usageCounts(usage.promptTokens, counts.tokens)}${details}${more}}`;
}
