import type { TemplateValue } from "@vllm-router/text";
import type { ConversationMemory } from "./conversation-memory.ts";

/** Server settings that shape the preparation of prompts (flags of `vllm serve`). */
export interface PrepareSettings {
  /** `--trust-request-chat-template`. */
  readonly trustRequestChatTemplate: boolean;
  /** `--default-chat-template-kwargs`. */
  readonly defaultChatTemplateKwargs: ReadonlyMap<string, TemplateValue>;
  /** `--chat-template-content-format`. */
  readonly contentFormat: "auto" | "string" | "openai";
  /** Where long conversations are known again; undefined for nowhere. */
  readonly conversations?: ConversationMemory | undefined;
  /** `--max-logprobs`; -1 for no limit. */
  readonly maxLogprobs: number;
  /** `--engine-scheduling-policy fcfs`: engines are known not to look at priorities, so that nobody has to carry them. */
  readonly ignoresPriority?: boolean;
  /** `--tokens-only`: `/inference/v1/generate` makes no text, and so knows no stop strings. */
  readonly tokensOnly?: boolean;
  /** `--enable-per-request-metrics`. */
  readonly measuresRequests?: boolean;
}
