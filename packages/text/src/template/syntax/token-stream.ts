import { describeKind, describeToken, type Token, type TokenKind } from "./lexer.ts";
import { reprString } from "../python/repr-string.ts";
import { refuse } from "./syntax-failure.ts";

/** The tokens of a template with a place in them. */
export class TokenStream {
  private readonly tokens: readonly Token[];
  private position = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
    checkToken(this.current);
  }

  /** The token at the current place; the last one is always `eof`. */
  get current(): Token {
    return this.tokens[this.position] as Token;
  }

  /** The token after the current one. */
  get following(): Token {
    const token = this.tokens[Math.min(this.position + 1, this.tokens.length - 1)] as Token;
    checkToken(token);
    return token;
  }

  /** Returns the current token and moves on. */
  next(): Token {
    const token = this.current;
    if (token.kind !== "eof") this.position++;
    checkToken(this.current);
    return token;
  }

  /** Whether the current token is of this kind. */
  is(kind: TokenKind): boolean {
    return this.current.kind === kind;
  }

  /** Whether the current token is this name. */
  isName(name: string): boolean {
    return this.current.kind === "name" && this.current.text === name;
  }

  /** Moves past a token of this kind if there is one. */
  skip(kind: TokenKind): boolean {
    const found = this.is(kind);
    if (found) this.next();
    return found;
  }

  /** Moves past this name if it is there. */
  skipName(name: string): boolean {
    const found = this.isName(name);
    if (found) this.next();
    return found;
  }

  /** Moves past a token that must be of this kind. */
  expect(kind: TokenKind): Token {
    return this.is(kind) ? this.next() : this.unexpected(describeKind(kind));
  }

  /** Moves past a name that must be there. */
  expectName(name: string): Token {
    return this.isName(name) ? this.next() : this.unexpected(name);
  }

  private unexpected(expected: string): never {
    if (this.is("eof")) return refuse(`unexpected end of template, expected ${reprString(expected)}.`);
    return refuse(`expected token ${reprString(expected)}, got ${reprString(describeToken(this.current))}`);
  }
}

function checkToken(token: Token): void {
  if (token.kind === "error") refuse(token.text);
}
