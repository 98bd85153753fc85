import type { TokenDecoder } from "../tokenizer/decoder.ts";
import type { TokenTable } from "../tokenizer/token-table.ts";
import { endsInReplacement, lossyText, utf8Length } from "../tokenizer/utf8.ts";

/** What a decode stream starts from. */
export interface DecodeStreamOptions {
  /** Ids that came before (the prompt); their text is context and is not given out. */
  readonly promptTokenIds: ArrayLike<number>;
  /** Leave special tokens out of the text. */
  readonly skipSpecialTokens: boolean;
}

/** Decodes one token after the other; the parts together are the text. */
export interface DecodeStream {
  /** Takes the next id and returns the text it completes; empty while a character is not complete. */
  push(tokenId: number): string;
}

interface DecodeStreamSource extends DecodeStreamOptions {
  readonly table: TokenTable;
  readonly decoder: TokenDecoder;
  readonly decode: (tokenIds: ArrayLike<number>, skipsSpecial: boolean) => string;
}

/**
 * A stream with the semantics of `DecodeStream` of the `tokenizers` library, primed with the prompt as vLLM does.
 * Known oddity kept: when the prompt ends inside a character, the text that completes it carries the whole prompt.
 */
export function createDecodeStream(source: DecodeStreamSource): DecodeStream {
  const { table, decoder, promptTokenIds, skipSpecialTokens } = source;
  if (decoder.isByteLevel && !endsOpen(table, promptTokenIds, skipSpecialTokens)) {
    return new ByteStream(table, skipSpecialTokens);
  }
  return new WindowStream(source);
}

/** Whether the text of the prompt ends with U+FFFD; decided from its last tokens. */
function endsOpen(table: TokenTable, ids: ArrayLike<number>, skipsSpecial: boolean): boolean {
  let tail: number[] = [];
  for (let index = ids.length - 1; index >= 0 && tail.length < 5; index--) {
    const id = ids[index] as number;
    if (skipsSpecial && table.isSpecial(id)) continue;
    if (tail.length === 0) {
      const whole = table.wholeText(id);
      if (whole === "") continue;
      if (whole !== null) return false;
    }
    tail = [...table.bytesOf(id), ...tail];
  }
  return endsInReplacement(tail, tail.length);
}

/** For byte-level tokenizers: what is given out is whatever has become whole characters. */
class ByteStream implements DecodeStream {
  private readonly table: TokenTable;
  private readonly skipsSpecial: boolean;
  /** Bytes of tokens that have not been given out; undefined for none. */
  private pending: number[] | undefined;

  constructor(table: TokenTable, skipsSpecial: boolean) {
    this.table = table;
    this.skipsSpecial = skipsSpecial;
  }

  push(tokenId: number): string {
    if (this.skipsSpecial && this.table.isSpecial(tokenId)) return "";
    const whole = this.table.wholeText(tokenId);
    if (whole !== null) {
      if (this.pending === undefined || whole === "") return whole;
      const text = lossyText(Uint8Array.from(this.pending)) + whole;
      this.pending = undefined;
      return text;
    }
    const pending = (this.pending ??= []);
    for (const byte of this.table.bytesOf(tokenId)) pending.push(byte);
    if (endsInReplacement(pending, pending.length)) return "";
    const text = lossyText(Uint8Array.from(pending));
    this.pending = undefined;
    return text;
  }
}

const byteToken = /^<0x[0-9A-Fa-f]{2}>$/;
const CONTEXT_TOKENS = 16;

/**
 * The part of the prompt that decides how its continuation decodes: its last tokens from one on that is no byte of a
 * character, when their text is whole; else all of it.
 */
function contextOf({ table, decode, promptTokenIds, skipSpecialTokens }: DecodeStreamSource): number[] {
  const ids = Array.from(promptTokenIds);
  let start = ids.length - CONTEXT_TOKENS;
  while (start > 0 && byteToken.test(table.piece(ids[start] as number) ?? "")) start--;
  if (start <= 0) return ids;
  const tail = ids.slice(start);
  const text = decode(tail, skipSpecialTokens);
  return text === "" || text.endsWith("\ufffd") ? ids : tail;
}

/** For every other decoder: the text of the last tokens with and without the new one, and the difference. */
class WindowStream implements DecodeStream {
  private readonly decode: DecodeStreamSource["decode"];
  private readonly table: TokenTable;
  private readonly textOf: TokenDecoder["followingText"];
  private readonly skipsSpecial: boolean;
  private ids: number[];
  private prefix = "";
  private prefixLength = 0;
  /** Whether the window is one token that simply adds its text. */
  private followsText = false;

  constructor(source: DecodeStreamSource) {
    this.decode = source.decode;
    this.table = source.table;
    this.textOf = source.decoder.followingText;
    this.skipsSpecial = source.skipSpecialTokens;
    this.ids = contextOf(source);
  }

  push(tokenId: number): string {
    const text = this.simpleText(tokenId);
    if (text !== "" && this.followsText) {
      // The window's text without and with the new token differ by just this text; the prefix is worked out when needed.
      this.ids[0] = tokenId;
      this.prefix = "";
      return text;
    }
    const released = this.stepWindow(tokenId);
    this.followsText = text !== "" && this.ids.length === 1 && this.prefixLength === 1;
    return released;
  }

  /** The text a token adds after another one, empty when that has to be found out by decoding both. */
  private simpleText(tokenId: number): string {
    if (this.textOf === undefined || (this.skipsSpecial && this.table.isSpecial(tokenId))) return "";
    const text = this.table.followingText(tokenId, this.textOf);
    return text === undefined || text.endsWith("\ufffd") ? "" : text;
  }

  private stepWindow(tokenId: number): string {
    if (this.prefix === "" && this.ids.length > 0) this.takePrefix();
    this.ids.push(tokenId);
    const text = this.decode(this.ids, this.skipsSpecial);
    if (text.endsWith("\ufffd")) return "";
    if (!text.startsWith(this.prefix)) {
      if (utf8Length(text) <= utf8Length(this.prefix)) return "";
      // The text so far has changed under the new token: vLLM starts a new stream with it, without context.
      this.ids = [];
      this.prefix = "";
      this.prefixLength = 0;
      return this.stepWindow(tokenId);
    }
    if (text.length === this.prefix.length) return "";
    const added = text.slice(this.prefix.length);
    const kept = this.ids.slice(this.prefixLength);
    this.prefixLength = this.ids.length - this.prefixLength;
    this.ids = kept;
    this.prefix = this.decode(kept, this.skipsSpecial);
    return added;
  }

  private takePrefix(): void {
    const prefix = this.decode(this.ids, this.skipsSpecial);
    if (prefix.endsWith("\ufffd")) return;
    this.prefix = prefix;
    this.prefixLength = this.ids.length;
  }
}
