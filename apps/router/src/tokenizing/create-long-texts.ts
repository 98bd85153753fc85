import type { RouterConfig } from "@vllm-router/config";
import { type LongTexts, NO_LONG_TEXTS } from "./long-texts.ts";
import { TokenizingThreads } from "./tokenizing-threads.ts";

/** Who encodes long prompts, by the configuration; `changed` hears what becomes of its threads. */
export function createLongTexts(
  { server }: RouterConfig,
  changed: (detail: string) => void,
): LongTexts & AsyncDisposable {
  const { tokenizerThreads: count, tokenizerThreadMinChars: mostUnits } = server;
  return count === 0
    ? { ...NO_LONG_TEXTS, [Symbol.asyncDispose]: async () => undefined }
    : new TokenizingThreads({ count, mostUnits, changed });
}
