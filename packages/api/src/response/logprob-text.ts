import { codePointLength } from "../json/python-text.ts";
import { quoteJson } from "../json/string-text.ts";
import type { PositionLogprobs, PromptPositionLogprobs, TokenLogprob } from "../writer.ts";

/** vLLM's stand-in for minus infinity. */
const LOWEST_LOGPROB = -9999;

/** How logprobs are printed. */
export interface LogprobStyle {
  /** Notation of floats: pydantic's in streams, Python's in whole bodies. */
  readonly float: (value: number) => string;
  /** `token_id:N` instead of the token's text. */
  readonly tokensAsIds: boolean;
}

/** Notes what both APIs need: the value, no lower than -9999. */
function value(logprob: number, style: LogprobStyle): string {
  return style.float(logprob < LOWEST_LOGPROB ? LOWEST_LOGPROB : logprob);
}

function shownToken(token: TokenLogprob, style: LogprobStyle): string {
  return style.tokensAsIds ? `token_id:${token.tokenId}` : token.token;
}

/** The sampled token and the alternatives, each token once, in the engine's order. */
export function entriesOf(position: PositionLogprobs): readonly TokenLogprob[] {
  const { top, tokenId } = position;
  if (position.isProposal === true) return top;
  if (top.length > 0 && (top[0] as TokenLogprob).tokenId === tokenId) return top;
  return [position, ...top.filter((entry) => entry.tokenId !== tokenId)];
}

/** UTF-8 bytes as a JSON array; what is no text becomes `?`, as in Python's `replace`. */
export function bytesText(text: string): string {
  let result = "[";
  for (let index = 0; index < text.length; index++) {
    if (index > 0) result += ",";
    const code = text.charCodeAt(index);
    if (code < 0x80) result += code;
    else if (code < 0x800) result += `${0xc0 | (code >> 6)},${0x80 | (code & 63)}`;
    else if (code < 0xd800 || code > 0xdfff) {
      result += `${0xe0 | (code >> 12)},${0x80 | ((code >> 6) & 63)},${0x80 | (code & 63)}`;
    } else {
      const point = text.codePointAt(index) as number;
      if (point < 0x10000) result += 63;
      else {
        result += `${0xf0 | (point >> 18)},${0x80 | ((point >> 12) & 63)},${0x80 | ((point >> 6) & 63)},${0x80 | (point & 63)}`;
        index++;
      }
    }
  }
  return `${result}]`;
}

/** Which alternatives a chat answer shows. */
export interface ChatLogprobStyle extends LogprobStyle {
  /** `top_logprobs`; -1 for all. */
  readonly topLogprobs: number;
}

/** Entries of a chat answer's `logprobs.content`, separated by commas. */
export function chatLogprobEntries(positions: readonly PositionLogprobs[], style: ChatLogprobStyle): string {
  let result = "";
  for (const position of positions) {
    if (result !== "") result += ",";
    const bytes = position.isProposal === true ? "null" : bytesText(position.token);
    result +=
      `{"token":${quoteJson(shownToken(position, style))},"logprob":${value(position.logprob, style)},` +
      `"bytes":${bytes},"top_logprobs":[${chatTop(position, style)}]}`;
  }
  return result;
}

function chatTop(position: PositionLogprobs, style: ChatLogprobStyle): string {
  if (style.topLogprobs === 0) return "";
  const entries = entriesOf(position);
  const count = style.topLogprobs < 0 ? entries.length : Math.min(style.topLogprobs, entries.length);
  let result = "";
  for (let index = 0; index < count; index++) {
    const entry = entries[index] as TokenLogprob;
    const token = shownToken(entry, style);
    if (index > 0) result += ",";
    result += `{"token":${quoteJson(token)},"logprob":${value(entry.logprob, style)},"bytes":${bytesText(token)}}`;
  }
  return result;
}

/** The four parallel lists of a completion's `logprobs`, grown position by position. */
export class CompletionLogprobLists {
  private readonly style: LogprobStyle;
  private readonly alternatives: number;
  private textOffsets = "";
  private tokenLogprobs = "";
  private tokens = "";
  private topLogprobs = "";

  /** `alternatives` is the request's `logprobs`; -1 for all. */
  constructor(style: LogprobStyle, alternatives: number) {
    this.style = style;
    this.alternatives = alternatives;
  }

  /** Adds positions that start at `offset`; returns the offset after them. */
  add(positions: readonly PositionLogprobs[], offset: number): number {
    let at = offset;
    for (const position of positions) {
      const token = shownToken(position, this.style);
      this.separate();
      this.textOffsets += at;
      this.tokenLogprobs += value(position.logprob, this.style);
      this.tokens += quoteJson(token);
      this.topLogprobs += this.top(position);
      at += codePointLength(token);
    }
    return at;
  }

  /** Adds a position without logprobs (the first of a prompt); returns the offset after it. */
  addUnknown(token: { readonly tokenId: number; readonly token: string }, offset: number): number {
    const shown = shownToken({ ...token, logprob: 0 }, this.style);
    this.separate();
    this.textOffsets += offset;
    this.tokenLogprobs += "null";
    this.tokens += quoteJson(shown);
    this.topLogprobs += "null";
    return offset + codePointLength(shown);
  }

  /** The object so far. */
  text(): string {
    return `{"text_offset":[${this.textOffsets}],"token_logprobs":[${this.tokenLogprobs}],"tokens":[${this.tokens}],"top_logprobs":[${this.topLogprobs}]}`;
  }

  private separate(): void {
    if (this.textOffsets === "") return;
    this.textOffsets += ",";
    this.tokenLogprobs += ",";
    this.tokens += ",";
    this.topLogprobs += ",";
  }

  private top(position: PositionLogprobs): string {
    const entries = entriesOf(position);
    const shown = new Map<string, number>();
    const count = this.alternatives < 0 ? entries.length : Math.min(this.alternatives + 1, entries.length);
    for (let index = 0; index < count; index++) {
      const entry = entries[index] as TokenLogprob;
      shown.set(shownToken(entry, this.style), entry.logprob);
    }
    let result = "";
    for (const [token, logprob] of shown) {
      if (result !== "") result += ",";
      result += `${quoteJson(token)}:${value(logprob, this.style)}`;
    }
    return `{${result}}`;
  }
}

/** `prompt_logprobs`: a list of `{token id: {logprob, rank, decoded_token}}`, null for the first prompt token. */
export function promptLogprobsText(
  positions: readonly (PromptPositionLogprobs | null)[] | undefined,
  float: (value: number) => string,
): string {
  if (positions === undefined) return "null";
  return `[${positions.map((position) => promptPosition(position, float)).join(",")}]`;
}

function promptPosition(position: PromptPositionLogprobs | null, float: (value: number) => string): string {
  if (position === null) return "null";
  const entry = (token: TokenLogprob, rank: number | null): string => {
    const logprob = token.logprob === -Infinity ? LOWEST_LOGPROB : token.logprob;
    return `"${token.tokenId}":{"logprob":${float(logprob)},"rank":${rank},"decoded_token":${quoteJson(token.token)}}`;
  };
  const parts = [entry(position, position.rank)];
  let rank = 0;
  for (const other of position.top) {
    if (other.tokenId === position.tokenId) continue;
    rank++;
    if (rank === position.rank) rank++;
    parts.push(entry(other, rank));
  }
  return `{${parts.join(",")}}`;
}
