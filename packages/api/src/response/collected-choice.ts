import type { OutputParser } from "@vllm-router/text";
import type { ChatRequest } from "../request/chat-request.ts";
import type { ChoiceFinish, ChoiceOutput } from "../writer.ts";
import { isToolForced, type ToolCallResult } from "./chat-outcome.ts";

/** Gathers the outputs of one choice whose API shows the whole answer at its end. */
export class CollectedChoice {
  readonly #tokenIds: number[] = [];
  #text = "";
  #finish: ChoiceFinish | undefined;

  /** Text so far. */
  get text(): string {
    return this.#text;
  }

  /** Token ids so far. */
  get tokenIds(): readonly number[] {
    return this.#tokenIds;
  }

  /** Output tokens so far. */
  get tokenCount(): number {
    return this.#tokenIds.length;
  }

  /** The engine's reason; `stop` while there is none. */
  get finishReason(): string {
    return this.#finish?.reason ?? "stop";
  }

  /** Stop string or token that ended the choice. */
  get stopReason(): string | number | null {
    return this.#finish?.stopReason ?? null;
  }

  /** Takes one output. */
  add(output: ChoiceOutput, finish: ChoiceFinish | undefined): void {
    this.#text += output.text;
    for (let index = 0; index < output.tokenCount; index++) {
      this.#tokenIds.push(output.tokenIds[index] as number);
    }
    if (finish !== undefined) this.#finish = { ...finish };
  }

  /** Takes the whole text apart; without a parser it is the content. */
  outcome(request: ChatRequest, parserOf: ((choice: number) => OutputParser) | undefined): ToolCallResult {
    const parsed = parserOf?.(0).parse(this.#text, this.#tokenIds);
    if (parsed === undefined) return { reasoning: null, content: this.#text, toolCalls: null };
    return isToolForced(request) ? { ...parsed, content: parsed.content ?? "" } : parsed;
  }
}
