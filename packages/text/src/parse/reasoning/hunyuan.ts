import type { DeltaDraft } from "../delta-draft.ts";
import type { ExtractedReasoning, ReasoningParser, ReasoningParserFamily } from "../reasoning-parser.ts";

const WHOLE = /(?:<think>\n([^]*?)\n<\/think>\n<answer>\n)?([^]*?)\n<\/answer>/;
const OPEN = /<think>\n([^]*?)\n<\/think>\n<answer>\n([^]*)/;

/** Tokens of `<think>\n`, as the model's tokenizer has them, and another way it writes them. */
const THINK_START = [14023, 771, 397];
const THINK_START_EMPTY = [14023, 771, 1363];
/** Tokens of `\n</think>\n<answer>\n`, with and without the first line break. */
const ANSWER_START = [198, 524, 27963, 397, 27, 9399, 397];
const ANSWER_START_EMPTY = [524, 27963, 397, 27, 9399, 397];

/**
 * Hunyuan A13B: `<think>…</think><answer>…</answer>`. Streamed, the marks are told by the ids that the model's own tokenizer
 * gives them, token by token; what follows the mark of the answer is content, its closing mark included.
 */
export const hunyuanReasoning: ReasoningParserFamily = {
  engineBased: false,
  keepsSpecialTokens: false,
  create: () => new HunyuanReasoning(),
};

class HunyuanReasoning implements ReasoningParser {
  private state: "idle" | "thinking" | "answering" = "idle";
  /** How many tokens of the mark that is awaited have come, and their text. */
  private matched = 0;
  private held = "";

  isReasoningEnd(): boolean {
    return this.state === "answering";
  }

  startFromPrompt(): void {
    // Nothing depends on the prompt.
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const [tokenId] = tokenIds;
    const marks =
      this.state === "idle" ? [THINK_START, THINK_START_EMPTY] : [ANSWER_START, ANSWER_START_EMPTY];
    // vLLM refuses outputs of several tokens here; they cannot be told apart, and count as text.
    const isMark = tokenIds.length === 1 && marks.some((mark) => mark[this.matched] === tokenId);
    if (!isMark) {
      const shown = this.held + text;
      this.forget();
      const isReasoning = this.state === "thinking";
      return {
        content: isReasoning ? null : shown,
        reasoning: isReasoning ? shown : null,
        toolCalls: undefined,
      };
    }
    this.matched++;
    this.held += text;
    const [usual = [], other = []] = marks;
    const isOther = other[this.matched - 1] === tokenId;
    if (this.matched === (isOther ? other.length : usual.length)) {
      this.state = this.state === "idle" ? "thinking" : "answering";
      this.forget();
    }
    return undefined;
  }

  reasoningEnded(): boolean {
    return this.state === "answering";
  }

  contentTokenIds(): readonly number[] {
    return [];
  }

  extract(text: string): ExtractedReasoning {
    const found = WHOLE.exec(text) ?? OPEN.exec(text);
    if (found === null) return { reasoning: null, content: text };
    const [, reasoning = "", content = ""] = found;
    return { reasoning: reasoning === "" ? null : reasoning, content: content === "" ? null : content };
  }

  countTokens(): number {
    return 0;
  }

  fallbackContent(): string | undefined {
    return undefined;
  }

  finish(): DeltaDraft | undefined {
    return undefined;
  }

  private forget(): void {
    this.matched = 0;
    this.held = "";
  }
}
