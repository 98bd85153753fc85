import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * Where an incremental decoding stands, as plain data that can be carried elsewhere and taken up again: the last tokens as
 * the vocabulary spells them, where their context begins, and up to where their text has been given out.
 */
export interface TokenWindow {
  readonly tokens: readonly string[];
  readonly prefixOffset: number;
  readonly readOffset: number;
}

/** A decoding that begins with nothing before it. */
export const EMPTY_WINDOW: TokenWindow = { tokens: [], prefixOffset: 0, readOffset: 0 };

/** Tokens of the prompt that the first output is decoded with. */
const CONTEXT_TOKENS = 5;

/** A decoding that continues a prompt. */
export function promptWindow(
  tokenizer: Tokenizer,
  promptTokenIds: readonly number[],
  skipSpecialTokens: boolean,
): TokenWindow {
  const tokens = promptTokenIds
    .slice(-CONTEXT_TOKENS - 2)
    .flatMap((id) => spelled(tokenizer, id, skipSpecialTokens));
  return { tokens, prefixOffset: Math.max(tokens.length - CONTEXT_TOKENS, 0), readOffset: tokens.length };
}

/**
 * Decodes further tokens as vLLM's incremental detokeniser in Python does. The window stays as small as what may still
 * be read. Offsets that were never given out by this function decode to something, as they do there.
 */
export function decodeInWindow(
  tokenizer: Tokenizer,
  tokenIds: readonly number[],
  options: { readonly window: TokenWindow; readonly skipSpecialTokens: boolean },
): { readonly text: string; readonly window: TokenWindow } {
  let { tokens, prefixOffset, readOffset } = options.window;
  let text = "";
  for (const id of tokenIds) {
    const before = tokens;
    const start = Math.min(prefixOffset, readOffset, before.length);
    const all = [
      ...(start === 0 ? before : before.slice(start)),
      ...spelled(tokenizer, id, options.skipSpecialTokens),
    ];
    const added = all.slice(start === 0 ? before.length : Math.max(before.length - start, 0));
    const prefix = tokenizer.piecesText(all.slice(prefixOffset - start, readOffset - start));
    const whole = tokenizer.piecesText(all.slice(prefixOffset - start));
    if (whole.length > prefix.length && !whole.endsWith("\ufffd")) {
      text += whole.startsWith(prefix)
        ? whole.slice(prefix.length)
        : [...whole].slice([...prefix].length).join("");
      prefixOffset = readOffset;
      readOffset = before.length + added.length;
    }
    tokens = [...before, ...added].slice(prefixOffset);
    readOffset -= prefixOffset;
    prefixOffset = 0;
  }
  return { text, window: { tokens, prefixOffset, readOffset } };
}

/** A token as its vocabulary spells it; an empty one for an id that is none, nothing for what is skipped. */
function spelled(tokenizer: Tokenizer, id: number, skipSpecialTokens: boolean): readonly string[] {
  const piece = tokenizer.tokenPiece(id) ?? "";
  return skipSpecialTokens && tokenizer.allSpecialTokens.includes(piece) ? [] : [piece];
}
