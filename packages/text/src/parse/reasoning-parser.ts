import type { DeltaDraft } from "./delta-draft.ts";
import type { OutputParserContext } from "./output-parser.ts";

/** A whole text taken apart into reasoning and the rest. */
export interface ExtractedReasoning {
  readonly reasoning: string | null;
  readonly content: string | null;
}

/**
 * Finds the reasoning in the text of one sequence. Keeps what it needs of earlier text and tokens itself: where vLLM hands
 * the previous and the current ones to its parser, they are here what was pushed before, and that with the new piece.
 */
export interface ReasoningParser {
  /** True where the reasoning is over at the end of these token ids (a prompt). Depends on the ids alone. */
  isReasoningEnd(tokenIds: ArrayLike<number>): boolean;
  /** Told once before the first push when the prompt leaves the reasoning open. */
  startFromPrompt(promptTokenIds: ArrayLike<number>): void;
  /**
   * The next piece of text and its token ids; called until {@link reasoningEnded} says true.
   * @returns undefined (vLLM's `None`) where there is nothing to say; the object is fresh
   */
  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined;
  /**
   * After a push: whether the reasoning ended in it (vLLM's `is_reasoning_end_streaming`, or what its engine confirms).
   * @param tokenIds those of that push
   */
  reasoningEnded(tokenIds: readonly number[]): boolean;
  /** The ids of the push that ended the reasoning which belong to the content. */
  contentTokenIds(tokenIds: readonly number[]): readonly number[];
  /** Takes a whole text apart. */
  extract(text: string): ExtractedReasoning;
  /** Tokens of a whole sequence that count as reasoning. */
  countTokens(tokenIds: readonly number[]): number;
  /** Text that is given out as content too when the sequence ends inside the reasoning; undefined for none. */
  fallbackContent(): string | undefined;
  /** Gives out what is held back: at the end of reasoning or of the sequence; called only where the family is engine based. */
  finish(): DeltaDraft | undefined;
}

/** A kind of reasoning parser: what `--reasoning-parser NAME` chooses. */
export interface ReasoningParserFamily {
  /** Runs on the declarative engine. */
  readonly engineBased: boolean;
  /** True where special tokens stay in the text that is parsed whatever the request says. */
  readonly keepsSpecialTokens: boolean;
  /**
   * A parser for one sequence.
   * @throws TextError `parser_unsupported` where the tokenizer lacks a token the family needs
   */
  create(context: OutputParserContext): ReasoningParser;
}
