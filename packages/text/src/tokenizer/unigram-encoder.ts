import { TextError } from "../text-error.ts";
import { flagMember, invalidMember, type JsonObject, listMember } from "./json-object.ts";
import { MappedVocabulary } from "./vocabulary.ts";
import type { WordIds } from "./word-cache.ts";
import { createCachedEncoder } from "./word-encoder.ts";
import type { WordModel } from "./word-piece-encoder.ts";

/** An unknown character costs this much more than the worst token. */
const UNKNOWN_PENALTY = 10;

const encoder = new TextEncoder();

/**
 * A Unigram model: of all ways to write a word in tokens the one with the highest sum of scores.
 *
 * @throws TextError `tokenizer_invalid`
 */
export function createUnigram(json: JsonObject): WordModel {
  const { vocabulary, scores, longest } = readScores(json);
  const unknown = json["unk_id"];
  if (typeof unknown !== "number" || scores[unknown] === undefined)
    throw invalidMember("unk_id", "an id of the vocabulary");
  const unknownScore = lowestOf(scores) - UNKNOWN_PENALTY;
  const fallsBack = flagMember(json, "byte_fallback");

  /** For each place of a word: where the best last token before it starts, and its id. */
  function bestPath(word: string): { starts: Int32Array; ids: Int32Array } {
    const starts = new Int32Array(word.length + 1).fill(-1);
    const ids = new Int32Array(word.length + 1);
    const best = new Float64Array(word.length + 1);
    const offer = (start: number, end: number, { id, score }: { id: number; score: number }): void => {
      if (starts[end] !== -1 && score <= (best[end] as number)) return;
      best[end] = score;
      starts[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < word.length;) {
      const character = (word.codePointAt(start) as number) > 0xffff ? 2 : 1;
      let hasSingle = false;
      for (let end = start + 1; end <= word.length && end - start <= longest; end++) {
        const id = vocabulary.get(word.slice(start, end));
        if (id === undefined) continue;
        offer(start, end, { id, score: (scores[id] as number) + (best[start] as number) });
        if (end - start === character) hasSingle = true;
      }
      if (!hasSingle)
        offer(start, start + character, {
          id: unknown as number,
          score: unknownScore + (best[start] as number),
        });
      start += character;
    }
    return { starts, ids };
  }

  function spell(text: string): readonly number[] {
    const known = vocabulary.get(text);
    if (known !== undefined) return [known];
    if (!fallsBack) return [unknown as number];
    const bytes = Array.from(encoder.encode(text), (byte) =>
      vocabulary.get(`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`),
    );
    return bytes.every((id) => id !== undefined) ? bytes : [unknown as number];
  }

  function compute(word: string): WordIds {
    const { starts, ids } = bestPath(word);
    const parts: string[] = [];
    let unknownEnd = -1;
    for (let end = word.length; end > 0; end = starts[end] as number) {
      const start = starts[end] as number;
      if (ids[end] === unknown) {
        if (unknownEnd < 0) unknownEnd = end;
      } else {
        // Neighbouring unknown characters are one token.
        if (unknownEnd >= 0) parts.push(word.slice(end, unknownEnd));
        unknownEnd = -1;
        parts.push(word.slice(start, end));
      }
    }
    if (unknownEnd >= 0) parts.push(word.slice(0, unknownEnd));
    return parts.reverse().flatMap((part) => spell(part));
  }

  return { vocabulary: new MappedVocabulary(vocabulary), encoder: createCachedEncoder(compute) };
}

interface Scores {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly scores: Float64Array;
  /** UTF-16 units of the longest token. */
  readonly longest: number;
}

function readScores(json: JsonObject): Scores {
  const list = listMember(json, "vocab");
  const vocabulary = new Map<string, number>();
  const scores = new Float64Array(list.length);
  let longest = 0;
  for (const [id, entry] of list.entries()) {
    const [piece, score]: unknown[] = Array.isArray(entry) ? entry : [];
    if (typeof piece !== "string" || typeof score !== "number") {
      throw new TextError(
        "tokenizer_invalid",
        `tokenizer.json: "vocab[${id}]" is not a pair of token and score`,
      );
    }
    vocabulary.set(piece, id);
    scores[id] = asRustReads(score);
    longest = Math.max(longest, piece.length);
  }
  return { vocabulary, scores, longest };
}

/**
 * The library's JSON reader rounds twice: digits to a float, then the division by a power of ten. Where two ways to write a
 * word are equally good, that last bit decides.
 */
function asRustReads(score: number): number {
  const [mantissa = "0", exponent = "0"] = String(Math.abs(score)).split("e");
  const [whole = "0", fraction = ""] = mantissa.split(".");
  const digits = Number(BigInt(whole + fraction));
  const power = Number(exponent) - fraction.length;
  const value = power < 0 ? digits / Number(`1e${-power}`) : digits * Number(`1e${power}`);
  return score < 0 ? -value : value;
}

function lowestOf(scores: Float64Array): number {
  let lowest = Infinity;
  for (const score of scores) lowest = Math.min(lowest, score);
  return lowest;
}
