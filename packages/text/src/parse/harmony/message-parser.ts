import type { Tokenizer } from "../../tokenizer/tokenizer.ts";
import { requiredToken } from "../reasoning/think-tokens.ts";
import { ContentText } from "./content-text.ts";
import { readHarmonyHeader, type HarmonyHeader } from "./harmony-header.ts";

/** A message of the model, whole. */
export interface HarmonyMessage extends HarmonyHeader {
  readonly text: string;
}

/** The tokens Harmony is made of. */
export interface HarmonyTokens {
  readonly start: number;
  readonly message: number;
  /** Tokens that end a message. */
  readonly ends: ReadonlySet<number>;
  /** From here on all tokens of the vocabulary are special. */
  readonly firstSpecial: number;
}

/**
 * Ids of the tokens Harmony is made of.
 * @throws TextError `parser_unsupported` where the tokenizer is not that of gpt-oss
 */
export function harmonyTokens(tokenizer: Tokenizer): HarmonyTokens {
  const id = (token: string): number => requiredToken(tokenizer, token, "harmony");
  return {
    start: id("<|start|>"),
    message: id("<|message|>"),
    ends: new Set([id("<|end|>"), id("<|return|>"), id("<|call|>")]),
    firstSpecial: id("<|startoftext|>"),
  };
}

interface ContentState {
  readonly kind: "content";
  readonly header: HarmonyHeader;
  readonly content: ContentText;
}

type State =
  | { readonly kind: "start" }
  | { readonly kind: "header"; readonly tokenIds: number[] }
  | ContentState;

const START: State = { kind: "start" };

/**
 * Reads what the model says in Harmony, one token after the other, from behind the header that the prompt begins. Tokens
 * that cannot stand where they stand are passed over, by the rules of the Harmony library.
 */
export class HarmonyMessageParser {
  private readonly tokenizer: Tokenizer;
  private readonly tokens: HarmonyTokens;
  private state: State = { kind: "header", tokenIds: [] };
  /** The role the prompt has given; it holds for the first header that is one. */
  private promptRole: string | undefined = "assistant";
  private text = "";
  private piece = "";

  constructor(tokenizer: Tokenizer, tokens: HarmonyTokens) {
    this.tokenizer = tokenizer;
    this.tokens = tokens;
  }

  /** Header of the message that is open. */
  get header(): HarmonyHeader | undefined {
    return this.state.kind === "content" ? this.state.header : undefined;
  }

  /** Text that the last token completed. */
  get lastPiece(): string {
    return this.piece;
  }

  /**
   * Takes the next token.
   * @returns the message it ends, true where it ends none, false where it cannot stand here
   */
  push(tokenId: number): HarmonyMessage | boolean {
    const { state, tokens } = this;
    if (state.kind === "content") {
      if (tokens.ends.has(tokenId)) return this.close(state);
      this.piece = state.content.push(tokenId);
      this.text += this.piece;
      return true;
    }
    if (state.kind === "header") {
      if (tokenId === tokens.message) return this.open(state.tokenIds);
      state.tokenIds.push(tokenId);
      return true;
    }
    if (tokenId !== tokens.start) return false;
    this.state = { kind: "header", tokenIds: [] };
    return true;
  }

  /**
   * Ends the output.
   * @returns the message that was open, true where none was, false inside a header
   */
  end(): HarmonyMessage | boolean {
    if (this.state.kind === "content") return this.close(this.state);
    return this.state.kind === "start";
  }

  private open(tokenIds: readonly number[]): boolean {
    const text = this.tokenizer.decode(tokenIds, { skipSpecialTokens: false });
    const header = text.includes("\ufffd") ? undefined : readHarmonyHeader(text, this.promptRole);
    if (header === undefined) {
      this.state = START;
      return false;
    }
    this.promptRole = undefined;
    this.state = { kind: "content", header, content: new ContentText(this.tokenizer) };
    return true;
  }

  private close(state: ContentState): HarmonyMessage {
    // Bytes that never became a character are in the message, though no piece has told them.
    const message = { ...state.header, text: this.text + state.content.rest() };
    this.state = START;
    this.text = "";
    this.piece = "";
    return message;
  }
}
