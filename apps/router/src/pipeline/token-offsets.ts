import type { Tokenizer } from "@vllm-router/text";

/**
 * Where each token stands in the text it was made of: first character and the one behind the last, in code points. A
 * token that holds part of a character stands where the character stands.
 */
export function tokenOffsets(
  tokenizer: Tokenizer,
  tokenIds: Int32Array,
): readonly (readonly [start: number, end: number])[] {
  const stream = tokenizer.decodeStream({ promptTokenIds: [], skipSpecialTokens: false });
  const offsets: [number, number][] = [];
  let position = 0;
  let open = 0;
  for (const id of tokenIds) {
    const length = [...stream.push(id)].length;
    if (length === 0) {
      open += 1;
      offsets.push([position, position + 1]);
      continue;
    }
    offsets.push([position, position + length]);
    open = 0;
    position += length;
  }
  // A text ends with whole characters; ids that do not end so were not made of one.
  return open === 0 ? offsets : offsets.map(([start, end]) => [start, Math.min(end, position)]);
}
