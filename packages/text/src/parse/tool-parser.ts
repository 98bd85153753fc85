import type { DeltaDraft } from "./delta-draft.ts";
import type { OutputParserContext, ParsedToolCall } from "./output-parser.ts";

/** What {@link ToolParser.extract} finds. */
export interface ExtractedToolCalls {
  readonly toolsCalled: boolean;
  readonly toolCalls: readonly ParsedToolCall[];
  readonly content: string | null;
}

/**
 * Finds the calls in the text of one sequence, from which reasoning has been taken out. Keeps what it needs of earlier text
 * itself: where vLLM hands the previous and the current text to its parser, they are here what was pushed before, and that
 * with the new piece.
 */
export interface ToolParser {
  /**
   * The next piece of text and its token ids.
   * @returns undefined (vLLM's `None`) where there is nothing to say yet; the object is fresh
   */
  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined;
  /** Calls of a whole text. */
  extract(text: string): ExtractedToolCalls;
  /**
   * Arguments of the last call that were parsed but not streamed; the last delta of the sequence gets them when it has calls.
   * Empty where there are none (vLLM's `get_remaining_unstreamed_args`).
   */
  unstreamedArguments(): string;
  /** Ends the sequence and gives out what is held back; called only where the family is engine based. */
  finish(): DeltaDraft | undefined;
}

/** When special tokens stay in the text that is parsed: always, in requests that may call tools, or as the request says. */
export type KeptSpecialTokens = "always" | "with-tools" | "as-requested";

/** How strictly calls are constrained: `auto` by the request, `function` always the frame, `parameter` the arguments too. */
export type ToolStrictLevel = "auto" | "function" | "parameter";

/** A kind of tool parser: what `--tool-call-parser NAME` chooses. */
export interface ToolParserFamily {
  /** Runs on the declarative engine: gets deltas as they are, and is finished at the end. */
  readonly engineBased: boolean;
  /** Which structural tag constrains its calls (vLLM's `structural_tag_model`); undefined where none does. */
  readonly structuralTag: string | undefined;
  /**
   * True where forced calls (`required` and named) are a plain JSON list or object, forced by a JSON schema and read without
   * this parser (vLLM's `supports_required_and_named`, which is false wherever there is a structural tag).
   */
  readonly forcedAsJson: boolean;
  /**
   * True where forced calls are a JSON list of `{"name", "arguments"}`, forced by a JSON schema unless the request has a
   * constraint of its own, and read by this parser.
   */
  readonly forcedList?: boolean;
  readonly specialTokens: KeptSpecialTokens;
  /** Strictness where the server's flag is `auto`. */
  readonly defaultStrictLevel: ToolStrictLevel | undefined;
  /**
   * A parser for one sequence.
   * @param withReasoning false where no reasoning parser runs: reasoning marks are plain text then
   * @throws TextError `parser_unsupported` where the tokenizer lacks a token the family needs
   */
  create(context: OutputParserContext, withReasoning: boolean): ToolParser;
}
