import { contentDraft, type DeltaDraft } from "../delta-draft.ts";
import type { ExtractedReasoning, ReasoningParser } from "../reasoning-parser.ts";

/** Sees no reasoning at all: what models that need not think fall back to. */
export class IdentityReasoning implements ReasoningParser {
  isReasoningEnd(): boolean {
    return true;
  }

  startFromPrompt(): void {
    // Nothing depends on the prompt.
  }

  push(text: string): DeltaDraft | undefined {
    return text === "" ? undefined : contentDraft(text);
  }

  reasoningEnded(): boolean {
    return true;
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    return tokenIds;
  }

  extract(text: string): ExtractedReasoning {
    return { reasoning: null, content: text };
  }

  countTokens(): number {
    return 0;
  }

  fallbackContent(): undefined {
    return undefined;
  }

  finish(): undefined {
    return undefined;
  }
}
