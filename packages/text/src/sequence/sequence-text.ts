import { createDetokenizer } from "../detokenize/detokenizer.ts";
import { codePointLength } from "../tokenizer/utf8.ts";
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

/** Text given out for one engine output. The object is reused: copy what you keep. */
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
  /** Code points released so far. */
  readonly textLength: number;
}

/**
 * The text of one sequence, as vLLM's output processor makes it. Its state belongs to the sequence, not to the engine
 * that generates it: a continuation on another engine goes on with the same object.
 */
export function createSequenceText(options: SequenceTextOptions): SequenceText {
  return new StoppableText(options);
}

class StoppableText implements SequenceText {
  expectedFinish: ExpectedFinish | undefined;
  tokenCount = 0;
  textLength = 0;
  private readonly options: SequenceTextOptions;
  private readonly detokenizer;
  private readonly stops;
  private readonly repetition: RepetitionDetector | undefined;
  private readonly output: ReleasedText;
  private readonly delta: TextDelta = { text: "", tokenStart: 0, tokenEnd: 0 };
  /** UTF-16 units of new text up to and with each token of the current push. */
  private readonly ends: number[] = [];

  constructor(options: SequenceTextOptions) {
    this.options = options;
    this.detokenizer = createDetokenizer(options.tokenizer, options);
    this.stops = compileStopStrings(options.stop);
    this.repetition = options.repetition && createRepetitionDetector(options.repetition, options.maxTokens);
    this.output = new ReleasedText(
      options.includeStopString ? 0 : (this.stops?.holdBack ?? 0),
      this.stops?.reach ?? 0,
    );
  }

  push(tokenIds: ArrayLike<number>, count: number): TextDelta {
    const { delta, output } = this;
    delta.tokenStart = this.tokenCount;
    if (this.expectedFinish === undefined) {
      const newUnits = this.takeTokens(tokenIds, count);
      if (this.stops !== undefined) this.stopAtMatch(newUnits);
      delta.text = this.expectedFinish === undefined ? output.release() : output.releaseAll();
    } else {
      delta.text = "";
    }
    return this.completed();
  }

  finish(): TextDelta {
    this.delta.tokenStart = this.tokenCount;
    this.delta.text = this.output.releaseAll();
    return this.completed();
  }

  /** Detokenises up to the token that ends the sequence; returns the units of new text. */
  private takeTokens(tokenIds: ArrayLike<number>, count: number): number {
    const { options, ends } = this;
    // Setting the length of an array is a call into V8, dear for something that happens at every token.
    if (ends.length > 0) ends.length = 0;
    let newUnits = 0;
    for (let index = 0; index < count && this.expectedFinish === undefined; index++) {
      const tokenId = tokenIds[index] as number;
      this.tokenCount++;
      this.expectedFinish = finishOfToken(tokenId, this.tokenCount, options);
      if (this.repetition !== undefined) this.endIfRepeated(tokenId);
      if (this.expectedFinish?.reason !== "stop" || options.includeStopString) {
        const text = this.detokenizer.push(tokenId);
        newUnits += text.length;
        this.output.append(text);
      }
      if (this.stops !== undefined) ends.push(newUnits);
    }
    return newUnits;
  }

  /** Comes after every other rule of the scheduler, and after `min_tokens`. */
  private endIfRepeated(tokenId: number): void {
    const isRepeated = this.repetition?.push(tokenId) === true;
    if (isRepeated && this.tokenCount >= this.options.minTokens) this.expectedFinish ??= repetitionDetected;
  }

  private stopAtMatch(newUnits: number): void {
    const { options, ends } = this;
    if (this.tokenCount <= options.minTokens) return;
    const tokensBefore = this.tokenCount - ends.length;
    const unchecked = options.minTokens - tokensBefore;
    const checkedUnits = newUnits - (unchecked > 0 ? (ends[unchecked - 1] as number) : 0);
    if (checkedUnits === 0) return;
    const match = this.stops?.find(this.output.searchable, checkedUnits);
    if (match !== undefined) this.stopAt(match, { tokensBefore, newUnits });
  }

  private stopAt(
    match: StopMatch,
    { tokensBefore, newUnits }: { tokensBefore: number; newUnits: number },
  ): void {
    // Tokens after the one that completed the stop string (one output may hold several) do not count.
    const endUnits = newUnits - match.endBeforeEnd;
    const completing = this.ends.findIndex((end) => end >= endUnits);
    this.tokenCount = tokensBefore + completing + 1;
    this.output.cut(this.options.includeStopString ? match.endBeforeEnd : match.startBeforeEnd);
    this.expectedFinish = { reason: "stop", stopReason: match.stop };
  }

  private completed(): TextDelta {
    const { delta } = this;
    delta.tokenEnd = this.tokenCount;
    this.textLength += codePointLength(delta.text);
    return delta;
  }
}
