/** A mark by name, or plain text (`mark` undefined). */
export interface Lexeme {
  readonly mark: string | undefined;
  readonly text: string;
  /** Tokens that begin in the text. */
  readonly tokenCount: number;
}

/** Marks prepared for {@link MarkLexer}; made once per format and tokenizer. */
export class MarkTable {
  /** Marks by their first character. */
  readonly byFirst: ReadonlyMap<string, readonly (readonly [text: string, name: string])[]>;
  /** Every true beginning of a mark. */
  readonly beginnings: ReadonlySet<string>;
  private readonly firstCharacters: RegExp;

  constructor(marks: readonly (readonly [text: string, name: string])[]) {
    const byFirst = new Map<string, (readonly [string, string])[]>();
    const beginnings = new Set<string>();
    for (const mark of marks) {
      const [text] = mark;
      const first = text.charAt(0);
      byFirst.set(first, [...(byFirst.get(first) ?? []), mark]);
      for (let length = 1; length < text.length; length++) beginnings.add(text.slice(0, length));
    }
    this.byFirst = byFirst;
    this.beginnings = beginnings;
    const codes = [...byFirst.keys()].map(
      (first) => `\\u${first.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
    this.firstCharacters = codes.length === 0 ? /(?!)/ : new RegExp(`[${codes.join("")}]`);
  }

  /** Index of the first character that could begin a mark; -1 for none. */
  firstCandidate(text: string): number {
    return text.search(this.firstCharacters);
  }

  /** The longest mark that `text` begins with. */
  longestAt(text: string): readonly [text: string, name: string] | undefined {
    let best: readonly [string, string] | undefined;
    for (const mark of this.byFirst.get(text.charAt(0)) ?? []) {
      if (text.startsWith(mark[0]) && (best === undefined || mark[0].length > best[0].length)) best = mark;
    }
    return best;
  }

  /** Where behind the first character a mark begins, or could when more text comes; the length for nowhere. */
  nextBoundary(text: string): number {
    for (let at = 1; at < text.length; at++) {
      for (const [mark] of this.byFirst.get(text.charAt(at)) ?? []) {
        const length = Math.min(text.length - at, mark.length);
        if (text.startsWith(mark.slice(0, length), at)) return at;
      }
    }
    return text.length;
  }
}

/** Cuts growing text into marks and plain text. What could still become a mark is held back. */
export class MarkLexer {
  private readonly table: MarkTable;
  private held = "";
  /** For each unit of `held`, how many tokens begin there. */
  private counts: number[] = [];

  constructor(table: MarkTable) {
    this.table = table;
  }

  /** True while text is held back. */
  get isHolding(): boolean {
    return this.held !== "";
  }

  /**
   * The next piece.
   * @param tokenTexts texts of its tokens, to know where each begins; the rest of `tokenCount` counts at the start
   */
  feed(text: string, tokenTexts: readonly string[], tokenCount: number): Lexeme[] {
    const counts = tokenStarts(text, tokenTexts, tokenCount);
    if (this.held === "" && this.table.firstCandidate(text) === -1) {
      return [{ mark: undefined, text, tokenCount: sum(counts, counts.length) }];
    }
    this.held += text;
    for (const count of counts) this.counts.push(count);
    return this.drain(false);
  }

  /** Gives out what is held back. */
  flush(): Lexeme[] {
    return this.held === "" ? [] : this.drain(true);
  }

  private drain(final: boolean): Lexeme[] {
    const lexemes: Lexeme[] = [];
    const { table } = this;
    while (this.held !== "") {
      if (table.firstCandidate(this.held) === -1) {
        lexemes.push(this.take(undefined, this.held.length));
        break;
      }
      const mark = table.longestAt(this.held);
      // A whole mark may be the beginning of a longer one: then it waits too.
      if (!final && table.beginnings.has(this.held)) break;
      if (mark === undefined) lexemes.push(this.take(undefined, table.nextBoundary(this.held)));
      else lexemes.push(this.take(mark[1], mark[0].length));
    }
    return lexemes;
  }

  private take(mark: string | undefined, length: number): Lexeme {
    const text = this.held.slice(0, length);
    this.held = this.held.slice(length);
    const tokenCount = sum(this.counts, length);
    this.counts.splice(0, length);
    return { mark, text, tokenCount };
  }
}

function tokenStarts(text: string, tokenTexts: readonly string[], tokenCount: number): number[] {
  const counts: number[] = Array.from({ length: text.length }, () => 0);
  if (text === "") return counts;
  let at = 0;
  let missing = tokenCount;
  for (const tokenText of tokenTexts) {
    if (tokenText === "") continue;
    const found = text.indexOf(tokenText, at);
    if (found === -1) continue;
    counts[found] = (counts[found] ?? 0) + 1;
    missing--;
    at = found + tokenText.length;
  }
  if (missing > 0) counts[0] = (counts[0] ?? 0) + missing;
  return counts;
}

function sum(counts: readonly number[], length: number): number {
  let total = 0;
  for (let at = 0; at < length; at++) total += counts[at] ?? 0;
  return total;
}
