import { contentDraft, type DeltaDraft, reasoningDraft } from "../delta-draft.ts";
import type { OutputParserContext } from "../output-parser.ts";
import type { ExtractedReasoning, ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";
import { requiredToken } from "./think-tokens.ts";

const END = "</think>";

/** Step 3: everything up to the first `</think>` is reasoning; there is no mark before it. */
export const step3Reasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: (context) => new Step3Reasoning(context),
};

class Step3Reasoning implements ReasoningParser {
  private readonly endId: number;
  private endSeen = false;

  constructor({ tokenizer }: OutputParserContext) {
    this.endId = requiredToken(tokenizer, END, "step3");
  }

  isReasoningEnd(tokenIds: ArrayLike<number>): boolean {
    return Array.prototype.includes.call(tokenIds, this.endId);
  }

  startFromPrompt(): void {
    // Nothing depends on the prompt.
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const hadEnd = this.endSeen;
    const hasEnd = tokenIds.includes(this.endId);
    this.endSeen ||= hasEnd;
    if (hasEnd && tokenIds.length === 1) return undefined;
    if (!hasEnd) return hadEnd ? contentDraft(text) : reasoningDraft(text);
    // Where the token's text is still held back, Python's -1 slices from the back, and so does this.
    const at = text.indexOf(END);
    const content = text.slice(at + END.length);
    return reasoningDraft(text.slice(0, at), content === "" ? null : content);
  }

  reasoningEnded(tokenIds: readonly number[]): boolean {
    return tokenIds.includes(this.endId);
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    const at = tokenIds.indexOf(this.endId);
    return at === -1 ? [] : tokenIds.slice(at + 1);
  }

  extract(text: string): ExtractedReasoning {
    const at = text.indexOf(END);
    if (at === -1) return { reasoning: text, content: null };
    const content = text.slice(at + END.length);
    return { reasoning: text.slice(0, at), content: content === "" ? null : content };
  }

  countTokens(tokenIds: readonly number[]): number {
    const at = tokenIds.indexOf(this.endId);
    return at === -1 ? tokenIds.length : at;
  }

  fallbackContent(): string | undefined {
    return undefined;
  }

  finish(): DeltaDraft | undefined {
    return undefined;
  }
}
