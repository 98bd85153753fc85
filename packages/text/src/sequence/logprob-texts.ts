import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** Texts of the tokens of logprobs, position by position. */
export interface LogprobTexts {
  /**
   * Texts of the tokens at the next position: the sampled (or prompt) token first, then its alternatives. A token that
   * ends inside a character is given the text it completes together with the tokens sampled before it, or none.
   */
  next(tokenIds: ArrayLike<number>): string[];
}

/** Sampled tokens that are looked back on; a character has at most four bytes. */
const CONTEXT_TOKENS = 4;

/**
 * The texts vLLM reports in logprobs. One object follows one sequence, or the logprobs of one prompt (from its second
 * token on: the first has none).
 *
 * @param sampledBefore tokens of the sequence whose logprobs are not asked for again; the last few count
 */
export function createLogprobTexts(
  tokenizer: Tokenizer,
  sampledBefore: readonly number[] = [],
): LogprobTexts {
  const context: number[] = sampledBefore.slice(-CONTEXT_TOKENS);
  return {
    next(tokenIds) {
      const texts: string[] = [];
      for (let index = 0; index < tokenIds.length; index++) {
        const tokenId = tokenIds[index] as number;
        const text = aloneText(tokenizer, tokenId);
        texts.push(text.endsWith("\ufffd") ? textInContext(tokenizer, tokenId, context) : text);
      }
      const sampled = tokenIds[0];
      if (sampled !== undefined) {
        context.push(sampled);
        if (context.length > CONTEXT_TOKENS) context.shift();
      }
      return texts;
    },
  };
}

/** Text of a token alone, with the leading spaces that decoding alone takes away from SentencePiece tokens. */
function aloneText(tokenizer: Tokenizer, tokenId: number): string {
  const text = tokenizer.tokenText(tokenId);
  const marker = tokenizer.leadingSpaceMarker;
  if (marker === undefined) return text;
  const piece = tokenizer.tokenPiece(tokenId) ?? "";
  let markers = 0;
  while (piece.startsWith(marker, markers * marker.length)) markers++;
  let spaces = 0;
  while (text[spaces] === " ") spaces++;
  return markers > spaces ? " ".repeat(markers - spaces) + text : text;
}

function textInContext(tokenizer: Tokenizer, tokenId: number, context: readonly number[]): string {
  const decode = (ids: readonly number[]): string => tokenizer.decode(ids, { skipSpecialTokens: false });
  for (let count = 1; count <= context.length; count++) {
    const before = context.slice(-count);
    const full = decode([...before, tokenId]);
    if (full.endsWith("\ufffd")) continue;
    // Tokens just before that were incomplete had no text of their own: it belongs to this one.
    let whole = before.length;
    while (whole > 0 && decode([before[whole - 1] as number]).endsWith("\ufffd")) whole--;
    const prefix = whole > 0 ? decode(before.slice(0, whole)) : "";
    return full.slice(commonPrefixLength(prefix, full));
  }
  return "";
}

function commonPrefixLength(left: string, right: string): number {
  let length = 0;
  while (length < left.length && length < right.length && left[length] === right[length]) length++;
  // Not between the halves of a character outside the basic plane.
  return length > 0 && (right.charCodeAt(length - 1) & 0xfc00) === 0xd800 ? length - 1 : length;
}
