import type { Tokenizer } from "@vllm-router/text";

/**
 * The beginning of a text that is at most `maxTokens` tokens long (special tokens not counted), cut where one of its own
 * tokens ends, never inside a character. Cut again as long as the shorter text has more tokens than that.
 */
export function truncateTextToTokens(text: string, maxTokens: number, tokenizer: Tokenizer): string {
  let rest = text;
  for (;;) {
    const tokenIds = tokenizer.encode(rest, false);
    if (rest === "" || tokenIds.length <= maxTokens) {
      return rest;
    }
    rest = cutAfter(rest, tokenIds.subarray(0, maxTokens), tokenizer);
  }
}

/** The shortest beginning of a text that begins with these tokens, always shorter than the text. */
function cutAfter(text: string, tokenIds: Int32Array, tokenizer: Tokenizer): string {
  const characters = [...text];
  const prefix = (length: number): string => characters.slice(0, length).join("");
  const beginsAlike = (length: number): boolean => {
    const own = tokenizer.encode(prefix(length), false);
    return own.length >= tokenIds.length && tokenIds.every((id, index) => own[index] === id);
  };
  let tooShort = 0;
  let longEnough = characters.length;
  while (longEnough - tooShort > 1) {
    const middle = (tooShort + longEnough) >>> 1;
    if (beginsAlike(middle)) {
      longEnough = middle;
    } else {
      tooShort = middle;
    }
  }
  const shortest = prefix(longEnough);
  // A character of several tokens that does not fit whole goes with the rest.
  const fits = tokenizer.encode(shortest, false).length <= tokenIds.length;
  return fits && longEnough < characters.length
    ? shortest
    : prefix(Math.min(longEnough, characters.length) - 1);
}
