import { contentDraft, type DeltaDraft } from "../delta-draft.ts";
import type { ExtractedReasoning, ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";

/** MiniMax M2 for clients that look for the thinking themselves: all text is content, behind the `<think>` of the prompt. */
export const minimaxAppendThinkReasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: ({ tokenizer }) => new AppendThink(tokenizer),
};

const MARK = "<think>";

class AppendThink implements ReasoningParser {
  private readonly startId: number | undefined;
  private readonly endId: number | undefined;
  private hasTokens = false;
  /** Whether the last of the two marks that came was the closing one. */
  private ended = false;

  constructor(tokenizer: Tokenizer) {
    this.startId = tokenizer.tokenId(MARK);
    this.endId = tokenizer.tokenId("</think>");
  }

  isReasoningEnd(tokenIds: ArrayLike<number>): boolean {
    return this.endsWithEnd(tokenIds) ?? false;
  }

  startFromPrompt(): void {
    // Nothing depends on the prompt.
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft {
    const delta = contentDraft(this.hasTokens ? text : MARK + text);
    this.hasTokens ||= tokenIds.length > 0;
    this.ended = this.endsWithEnd(tokenIds) ?? this.ended;
    return delta;
  }

  reasoningEnded(): boolean {
    return this.ended;
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    return tokenIds;
  }

  extract(text: string): ExtractedReasoning {
    return { reasoning: null, content: MARK + text };
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

  private endsWithEnd(tokenIds: ArrayLike<number>): boolean | undefined {
    for (let at = tokenIds.length - 1; at >= 0; at--) {
      if (tokenIds[at] === this.startId || tokenIds[at] === this.endId) return tokenIds[at] === this.endId;
    }
    return undefined;
  }
}
