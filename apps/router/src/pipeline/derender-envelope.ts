import type { DerenderedFrame, GeneratedResponse } from "@vllm-router/api";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { PrepareSettings } from "./prepare-settings.ts";

/** What derendering takes beside its request. */
export interface DerenderEnvelope {
  readonly model: ModelRuntime;
  /** As the answer names it. */
  readonly modelName: string;
  readonly settings: PrepareSettings;
  /** Unix seconds. */
  readonly created: number;
  randomId(): string;
}

/** Usage of a chunk that carries one; the client's word on the prompt counts. */
export function derenderUsage(
  chunk: GeneratedResponse,
  promptTokens: number | bigint | null,
): DerenderedFrame["usage"] {
  return (
    chunk.usage && {
      promptTokens: promptTokens === null ? chunk.usage.promptTokens : Number(promptTokens),
      completionTokens: chunk.usage.completionTokens,
    }
  );
}
