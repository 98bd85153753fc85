import { codePointLength } from "../tokenizer/utf8.ts";

/** A stop string found in the text. */
export interface StopMatch {
  /** The stop string. */
  readonly stop: string;
  /** Where it begins, in UTF-16 units before the end of the text that was searched. */
  readonly startBeforeEnd: number;
  /** Where it ends, in UTF-16 units before the end of the text that was searched. */
  readonly endBeforeEnd: number;
}

/** The stop strings of one request, ready to look for. */
export interface StopStrings {
  /** Code points that have to be held back so that no part of a stop string is given out: the longest minus one. */
  readonly holdBack: number;
  /** UTF-16 units of text before new text that a match can reach back into. */
  readonly reach: number;
  /**
   * The match that ends earliest, at least partly within the last `newUnits` units; of two that end together the one
   * named first in the request.
   */
  find(text: string, newUnits: number): StopMatch | undefined;
}

// A stop string with a lone surrogate cannot occur in text, but would match one half of a surrogate pair.
const loneSurrogate = /\p{Surrogate}/u;

/** Prepares stop strings; undefined when there is none. */
export function compileStopStrings(stops: readonly string[]): StopStrings | undefined {
  if (stops.length === 0) return undefined;
  const findable = stops.filter((stop) => stop !== "" && !loneSurrogate.test(stop));
  return {
    holdBack: Math.max(...stops.map((stop) => codePointLength(stop))) - 1,
    reach: Math.max(...stops.map((stop) => stop.length)) - 1,
    find(text, newUnits) {
      let best: StopMatch | undefined;
      let bestEnd = Infinity;
      for (const stop of findable) {
        const start = text.indexOf(stop, Math.max(0, text.length - newUnits - stop.length + 1));
        if (start < 0 || start + stop.length >= bestEnd) continue;
        bestEnd = start + stop.length;
        best = { stop, startBeforeEnd: text.length - start, endBeforeEnd: text.length - bestEnd };
      }
      return best;
    },
  };
}
