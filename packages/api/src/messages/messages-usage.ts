import type { ResponseUsage, WriterSettings } from "../writer.ts";

/** `usage` of a message; tokens found in the cache are counted apart where `--enable-prompt-tokens-details` is on. */
export function messageUsage(
  outputTokens: number,
  usage: Pick<ResponseUsage, "promptTokens" | "cachedTokens">,
  settings: WriterSettings,
): string {
  const cached = settings.promptTokensDetails ? usage.cachedTokens : undefined;
  const input = Math.max(0, usage.promptTokens - (cached ?? 0));
  const read = cached === undefined ? "" : `,"cache_read_input_tokens":${cached}`;
  return `{"input_tokens":${input},"output_tokens":${outputTokens}${read}}`;
}
