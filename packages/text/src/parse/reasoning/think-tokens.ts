import { TextError } from "../../text-error.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { contentDraft, type DeltaDraft, reasoningDraft } from "../delta-draft.ts";
import type { ExtractedReasoning, ReasoningParser } from "../reasoning-parser.ts";

/** The two tokens around the reasoning, and who asks for them. */
export interface ThinkTokens {
  readonly start: string;
  readonly end: string;
  /** Name of the family, for the error. */
  readonly family: string;
}

/**
 * Reasoning between two tokens of the vocabulary (vLLM's `BaseThinkingReasoningParser`). By itself it takes text before the
 * first start token for content; with `startsInside` for reasoning, as for models whose prompt opens it.
 */
export class ThinkTokenReasoning implements ReasoningParser {
  protected readonly tokens: ThinkTokens;
  protected readonly startId: number;
  protected readonly endId: number;
  private readonly startsInside: boolean;
  private startSeen = false;
  private endSeen = false;

  /** @throws TextError `parser_unsupported` where the vocabulary lacks one of the tokens */
  constructor(tokenizer: Tokenizer, tokens: ThinkTokens, startsInside: boolean) {
    this.tokens = tokens;
    this.startsInside = startsInside;
    this.startId = requiredToken(tokenizer, tokens.start, tokens.family);
    this.endId = requiredToken(tokenizer, tokens.end, tokens.family);
  }

  isReasoningEnd(tokenIds: ArrayLike<number>): boolean {
    for (let at = tokenIds.length - 1; at >= 0; at--) {
      if (tokenIds[at] === this.startId) return false;
      if (tokenIds[at] === this.endId) return true;
    }
    return false;
  }

  startFromPrompt(_promptTokenIds: ArrayLike<number>): void {
    // The base form looks at the output alone.
  }

  push(text: string, tokenIds: readonly number[]): DeltaDraft | undefined {
    const hadStart = this.startSeen;
    const hadEnd = this.endSeen;
    const hasStart = tokenIds.includes(this.startId);
    const hasEnd = tokenIds.includes(this.endId);
    this.startSeen ||= hasStart;
    this.endSeen ||= hasEnd;
    if (tokenIds.length === 1 && (hasStart || hasEnd)) return undefined;
    if (!hadStart && !hasStart && !this.startsInside) return contentDraft(text);
    if (hasEnd) return this.split(text, !hadStart && hasStart);
    return hadEnd && !(hasStart && !hadStart) ? contentDraft(text) : reasoningDraft(text);
  }

  reasoningEnded(tokenIds: readonly number[]): boolean {
    return tokenIds.includes(this.endId);
  }

  contentTokenIds(tokenIds: readonly number[]): readonly number[] {
    const at = tokenIds.indexOf(this.endId);
    return at === -1 ? [] : tokenIds.slice(at + 1);
  }

  extract(text: string): ExtractedReasoning {
    const start = text.indexOf(this.tokens.start);
    const rest = start === -1 ? text : text.slice(start + this.tokens.start.length);
    const end = rest.indexOf(this.tokens.end);
    if (end === -1) return { reasoning: rest, content: null };
    const content = rest.slice(end + this.tokens.end.length);
    return { reasoning: rest.slice(0, end), content: content === "" ? null : content };
  }

  countTokens(tokenIds: readonly number[]): number {
    let count = 0;
    let depth = 0;
    for (const id of tokenIds) {
      if (id === this.startId) depth++;
      else if (id === this.endId) depth = Math.max(0, depth - 1);
      else if (depth > 0) count++;
    }
    return count;
  }

  fallbackContent(): string | undefined {
    return undefined;
  }

  finish(): DeltaDraft | undefined {
    return undefined;
  }

  /** A piece with the end token in it. Python's `find` answers -1 for text still held back, which slices from the back. */
  private split(text: string, withStart: boolean): DeltaDraft {
    const { start, end } = this.tokens;
    const from = withStart ? text.indexOf(start) + start.length : 0;
    const at = text.indexOf(end);
    const content = text.slice(at + end.length);
    return reasoningDraft(text.slice(from, at), content === "" ? null : content);
  }
}

/**
 * Id of a token a parser cannot do without.
 * @throws TextError `parser_unsupported`
 */
export function requiredToken(tokenizer: Tokenizer, token: string, family: string): number {
  const id = tokenizer.tokenId(token);
  if (id !== undefined) return id;
  throw new TextError("parser_unsupported", `${family} needs the token ${token}, which the tokenizer lacks`);
}
