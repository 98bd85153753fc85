import { EngineError } from "../engine-error.ts";
import type { WireReader } from "../wire/wire-reader.ts";

/** The alternatives of several positions, in the order of {@link CandidateReader.besides}. */
export interface Candidates {
  readonly topTokenIds: readonly (readonly number[])[];
  readonly topLogprobs: readonly (readonly number[])[];
}

/** Gathers CandidateTokenInfo messages, one per position. */
export class CandidateReader {
  #ids: number[][] = [];
  #logprobs: number[][] = [];

  /** Forgets what was read. */
  clear(): void {
    if (this.#ids.length === 0) return;
    this.#ids = [];
    this.#logprobs = [];
  }

  /** Reads the alternatives of the next position up to `end`, and leaves the reader there. */
  read(reader: WireReader, end: number): void {
    const ids: number[] = [];
    const logprobs: number[] = [];
    while (reader.position < end) {
      reader.end = end;
      const tag = reader.uint32();
      if (tag === 10) readToken(reader, { end: reader.delimited(), ids, logprobs });
      else reader.skip(tag);
    }
    this.#ids.push(ids);
    this.#logprobs.push(logprobs);
  }

  /**
   * The alternatives with each position's own token in front, as every dialect gives them: this protocol repeats the
   * token among the alternatives of outputs, and in prompts only where it is one of the best.
   */
  besides(tokenIds: ArrayLike<number>, tokenLogprobs: readonly number[]): Candidates {
    const count = tokenLogprobs.length;
    if (this.#ids.length !== 0 && this.#ids.length !== count) {
      throw new EngineError("protocol", "the engine sent alternatives that do not match their tokens");
    }
    const topTokenIds: number[][] = [];
    const topLogprobs: number[][] = [];
    for (let at = 0; at < count; at++) {
      const own = tokenIds[at] as number;
      const ids = this.#ids[at] ?? [];
      const logprobs = this.#logprobs[at] ?? [];
      const found = ids.indexOf(own);
      if (found > 0) {
        ids.splice(found, 1);
        logprobs.splice(found, 1);
      }
      if (found !== 0 && ids.length > 0) {
        ids.unshift(own);
        logprobs.unshift(tokenLogprobs[at] as number);
      }
      topTokenIds.push(ids);
      topLogprobs.push(logprobs);
    }
    return { topTokenIds, topLogprobs };
  }
}

function readToken(
  reader: WireReader,
  into: { readonly end: number; readonly ids: number[]; readonly logprobs: number[] },
): void {
  let id = 0;
  let logprob = 0;
  reader.end = into.end;
  while (reader.position < into.end) {
    const tag = reader.uint32();
    if (tag === 8) id = reader.uint32();
    else if (tag === 21) logprob = reader.float();
    else reader.skip(tag);
  }
  into.ids.push(id);
  into.logprobs.push(logprob);
}
