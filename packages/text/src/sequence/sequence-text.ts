import { createDetokenizer } from "../detokenize/detokenizer.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import {
  type ExpectedFinish,
  finishOfToken,
  type FinishRuleOptions,
  repetitionDetected,
} from "./finish-rule.ts";
import { ReleasedText } from "./released-text.ts";
import {
  createRepetitionDetector,
  type RepetitionDetector,
  type RepetitionRule,
} from "./repetition-detector.ts";
import { compileStopStrings, type StopMatch } from "./stop-strings.ts";

/** Text given out for one engine output. One object is used again for all sequences: copy what you keep. */
export interface TextDelta {
  /** Text released; may be empty. */
  text: string;
  /** First output token this delta consumes, counted from 0. */
  tokenStart: number;
  /** One past the last output token it consumes; tokens after the end of the sequence are not consumed. */
  tokenEnd: number;
}

/** What a sequence's text depends on, besides its tokens. */
export interface SequenceTextOptions extends FinishRuleOptions {
  readonly tokenizer: Tokenizer;
  readonly promptTokenIds: ArrayLike<number>;
  readonly skipSpecialTokens: boolean;
  readonly spacesBetweenSpecialTokens: boolean;
  /** Stop strings; none is empty. */
  readonly stop: readonly string[];
  /** `include_stop_str_in_output`: the stop string, and the text of a stop token, are part of the text. */
  readonly includeStopString: boolean;
  /** Stop strings and repetition are not looked for in the first so many tokens. */
  readonly minTokens: number;
  /** `repetition_detection`; undefined for none. */
  readonly repetition?: RepetitionRule | undefined;
}

/** One sequence's text: detokenised, cut at stop strings, held back as far as they make it necessary. */
export interface SequenceText {
  /** Takes the first `count` ids of an engine output. After the end of the sequence further ids are ignored. */
  push(tokenIds: ArrayLike<number>, count: number): TextDelta;
  /** Gives out what is held back, when the sequence has ended without {@link expectedFinish}. */
  finish(): TextDelta;
  /** How the sequence has ended, known with its last token; undefined while it goes on. */
  readonly expectedFinish: ExpectedFinish | undefined;
  /** Output tokens so far. Tokens whose text was cut count; tokens after the end do not. */
  readonly tokenCount: number;
}

/**
 * The text of one sequence, as vLLM's output processor makes it. Its state belongs to the sequence, not to the engine
 * that generates it: a continuation on another engine goes on with the same object.
 */
export function createSequenceText(options: SequenceTextOptions): SequenceText {
  return new StoppableText(options);
}

/** One object for all sequences, which is always near: a sequence's own would have to be fetched at every token. */
const delta: TextDelta = { text: "", tokenStart: 0, tokenEnd: 0 };

/** What is looked at for every token comes first and is its own: thousands of sequences take turns in the cache. */
class StoppableText implements SequenceText, FinishRuleOptions {
  expectedFinish: ExpectedFinish | undefined;
  tokenCount = 0;
  readonly maxTokens: number;
  readonly ignoreEos: boolean;
  readonly endOfSequenceTokenId: number | undefined;
  readonly stopTokenIds: ReadonlySet<number>;
  private readonly includesStopToken: boolean;
  private readonly detokenizer;
  private readonly stops;
  private readonly repetition: RepetitionDetector | undefined;
  /** Text on its way out; undefined where nothing is searched, so that all of it leaves at once. */
  private readonly output: ReleasedText | undefined;
  private readonly minTokens: number;
  /** UTF-16 units of new text up to and with each token of the current push; kept where stop strings are searched. */
  private ends: number[] = [];

  constructor(options: SequenceTextOptions) {
    this.maxTokens = options.maxTokens;
    this.ignoreEos = options.ignoreEos;
    this.endOfSequenceTokenId = options.endOfSequenceTokenId;
    this.stopTokenIds = options.stopTokenIds;
    this.includesStopToken = options.includeStopString;
    this.minTokens = options.minTokens;
    this.detokenizer = createDetokenizer(options.tokenizer, options);
    this.stops = compileStopStrings(options.stop);
    this.repetition = options.repetition && createRepetitionDetector(options.repetition, options.maxTokens);
    this.output =
      this.stops === undefined
        ? undefined
        : new ReleasedText(options.includeStopString ? 0 : this.stops.holdBack, this.stops.reach);
  }

  push(tokenIds: ArrayLike<number>, count: number): TextDelta {
    const { output } = this;
    delta.tokenStart = this.tokenCount;
    if (this.expectedFinish !== undefined) {
      delta.text = "";
    } else if (output === undefined) {
      delta.text = this.takeTokens(tokenIds, count);
    } else {
      this.ends = [];
      const text = this.takeTokens(tokenIds, count);
      output.append(text);
      this.stopAtMatch(output, text.length);
      delta.text = this.expectedFinish === undefined ? output.release() : output.releaseAll();
    }
    delta.tokenEnd = this.tokenCount;
    return delta;
  }

  finish(): TextDelta {
    delta.tokenStart = this.tokenCount;
    delta.text = this.output === undefined ? "" : this.output.releaseAll();
    delta.tokenEnd = this.tokenCount;
    return delta;
  }

  /** Detokenises up to the token that ends the sequence; returns the new text. */
  private takeTokens(tokenIds: ArrayLike<number>, count: number): string {
    let newText = "";
    for (let index = 0; index < count && this.expectedFinish === undefined; index++) {
      const tokenId = tokenIds[index] as number;
      this.tokenCount++;
      this.expectedFinish = finishOfToken(tokenId, this.tokenCount, this);
      if (this.repetition !== undefined) this.endIfRepeated(tokenId);
      if (this.expectedFinish?.reason !== "stop" || this.includesStopToken) {
        const text = this.detokenizer.push(tokenId);
        newText = newText === "" ? text : newText + text;
      }
      if (this.stops !== undefined) this.ends.push(newText.length);
    }
    return newText;
  }

  /** Comes after every other rule of the scheduler, and after `min_tokens`. */
  private endIfRepeated(tokenId: number): void {
    const isRepeated = this.repetition?.push(tokenId) === true;
    if (isRepeated && this.tokenCount >= this.minTokens) this.expectedFinish ??= repetitionDetected;
  }

  private stopAtMatch(output: ReleasedText, newUnits: number): void {
    const { minTokens, ends } = this;
    if (this.tokenCount <= minTokens) return;
    const tokensBefore = this.tokenCount - ends.length;
    const unchecked = minTokens - tokensBefore;
    const checkedUnits = newUnits - (unchecked > 0 ? (ends[unchecked - 1] as number) : 0);
    if (checkedUnits === 0) return;
    const match = this.stops?.find(output.searchable, checkedUnits);
    if (match !== undefined) this.stopAt(match, { output, tokensBefore, newUnits });
  }

  private stopAt(
    match: StopMatch,
    { output, tokensBefore, newUnits }: { output: ReleasedText; tokensBefore: number; newUnits: number },
  ): void {
    // Tokens after the one that completed the stop string (one output may hold several) do not count.
    const endUnits = newUnits - match.endBeforeEnd;
    const completing = this.ends.findIndex((end) => end >= endUnits);
    this.tokenCount = tokensBefore + completing + 1;
    output.cut(this.includesStopToken ? match.endBeforeEnd : match.startBeforeEnd);
    this.expectedFinish = { reason: "stop", stopReason: match.stop };
  }
}
