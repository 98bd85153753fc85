import { bytesOfPiece } from "../../tokenizer/byte-alphabet.ts";
import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { joinBytes, lossyText } from "../../tokenizer/utf8.ts";

const NONE = new Uint8Array();
const REPLACEMENT = "\ufffd";

/** Decodes the tokens of a message: what is whole is given out at once, the beginning of a character waits. */
export class ContentText {
  private readonly tokenizer: Tokenizer;
  private pending: Uint8Array = NONE;

  constructor(tokenizer: Tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Text that a token completes. After bytes that are no text, what follows them in the token waits for the next one. */
  push(tokenId: number): string {
    const text = this.tokenizer.tokenText(tokenId);
    if (this.pending.length === 0 && !text.includes(REPLACEMENT)) return text;
    const added = this.tokenizer.addedTokenText(tokenId);
    const piece = this.tokenizer.tokenPiece(tokenId) ?? "";
    const own = added === undefined ? bytesOfPiece(piece) : new TextEncoder().encode(added);
    const bytes = joinBytes([this.pending, own ?? NONE]);
    const { valid, broken } = measure(bytes);
    this.pending = bytes.slice(valid + broken);
    return lossyText(bytes.slice(0, valid)) + (broken > 0 ? REPLACEMENT : "");
  }

  /** What still waits, at the end of the message. */
  rest(): string {
    const rest = lossyText(this.pending);
    this.pending = NONE;
    return rest;
  }
}

/** How many bytes are text, and how many behind them can never be; none of the latter where more bytes may help. */
function measure(bytes: Uint8Array): { readonly valid: number; readonly broken: number } {
  let at = 0;
  while (at < bytes.length) {
    const length = characterLength(bytes, at);
    if (length < 0) return { valid: at, broken: -length };
    if (length === 0) break;
    at += length;
  }
  return { valid: at, broken: 0 };
}

/** Bytes of the character at a position; 0 where it is not whole, negative for bytes that are none. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first < 0x80) return 1;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return -1;
  for (let index = 1; index < length; index++) {
    const byte = bytes[at + index];
    if (byte === undefined) return 0;
    const [low, high] = index === 1 ? secondByteRange(first) : [0x80, 0xbf];
    if (byte < low || byte > high) return -index;
  }
  return length;
}

function secondByteRange(first: number): readonly [low: number, high: number] {
  if (first === 0xe0) return [0xa0, 0xbf];
  if (first === 0xed) return [0x80, 0x9f];
  if (first === 0xf0) return [0x90, 0xbf];
  return first === 0xf4 ? [0x80, 0x8f] : [0x80, 0xbf];
}
