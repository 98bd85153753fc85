import type { AddedToken } from "./added-token.ts";
import { wellFormed } from "./utf8.ts";

/** Receives a text in pieces. */
export interface PieceSink {
  /** A stretch without added tokens, by where it begins and ends in the text that is split. */
  text(start: number, end: number): void;
  /** An added token, and where it begins in the text that is split; the white space it takes on its left is before that. */
  token(id: number, start: number): void;
}

interface TrieNode {
  readonly children: Map<number, TrieNode>;
  /** Id of the token that ends here. */
  id: number;
}

const wordCharacter = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;
const spacesAtEnd = /\p{White_Space}+$/u;
const spacesAtStart = /^\p{White_Space}+/u;

/**
 * Finds added tokens in a text: at each place the longest one, from left to right, as the `tokenizers` library does.
 */
export class AddedTokenSplitter {
  private readonly root: TrieNode = { children: new Map(), id: -1 };
  private readonly tokens: ReadonlyMap<number, AddedToken>;
  private readonly firstUnits: ReadonlySet<number>;
  private readonly soleFirst: string | undefined;
  /** Whether a text is split differently when its lone surrogates have become U+FFFD: a token has one of them. */
  readonly mindsLoneSurrogates: boolean;
  /**
   * Units from the beginning of a token on that must be known for it to be found there in every text that goes on from them, and for
   * what is left of it to be split the same: those of the longest token and one more, for a token that stands alone looks at the
   * character after it, and a surrogate is lone or not by the unit after it.
   */
  readonly certainUnits: number;
  private readonly dividing: ReadonlySet<number>;

  /** @param patterns Text to look for and id of each token. */
  constructor(patterns: Iterable<readonly [string, number]>, tokens: ReadonlyMap<number, AddedToken>) {
    this.tokens = tokens;
    let seesReplacement = false;
    let longest = 0;
    const dividing = new Set<number>();
    for (const [text, id] of patterns) {
      this.insert(text, id);
      seesReplacement ||= wellFormed(text).includes("\ufffd");
      longest = Math.max(longest, text.length);
      if (divides(text, tokens.get(id) as AddedToken)) dividing.add(id);
    }
    this.certainUnits = longest + 1;
    this.dividing = dividing;
    this.mindsLoneSurrogates = seesReplacement;
    this.firstUnits = new Set(this.root.children.keys());
    const [first] = this.firstUnits;
    this.soleFirst =
      this.firstUnits.size === 1 && first !== undefined ? String.fromCharCode(first) : undefined;
  }

  /** Whether it looks for nothing. */
  get isEmpty(): boolean {
    return this.firstUnits.size === 0;
  }

  /** Whether a text can be split apart from what is left of this token: nothing there is looked at for it, or taken with it. */
  isDividing(id: number): boolean {
    return this.dividing.has(id);
  }

  /** Hands the text over in pieces; empty pieces are left out. */
  split(text: string, sink: PieceSink): void {
    let done = 0;
    let search = 0;
    for (;;) {
      const start = this.nextCandidate(text, search);
      if (start < 0) break;
      const match = this.longestAt(text, start);
      if (match === undefined) {
        search = start + 1;
        continue;
      }
      search = start + match.length;
      const token = this.tokens.get(match.id) as AddedToken;
      if (token.isSingleWord && !standsAlone(text, start, search)) continue;
      const from = token.stripsLeft ? Math.max(done, start - countSpacesBefore(text, start)) : start;
      const to = token.stripsRight ? search + countSpacesAfter(text, search) : search;
      if (from > done) sink.text(done, from);
      sink.token(match.id, start);
      done = to;
    }
    if (done < text.length) sink.text(done, text.length);
  }

  private insert(text: string, id: number): void {
    if (text === "") return;
    let node = this.root;
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index);
      let child = node.children.get(unit);
      if (child === undefined) {
        child = { children: new Map(), id: -1 };
        node.children.set(unit, child);
      }
      node = child;
    }
    node.id = id;
  }

  private nextCandidate(text: string, from: number): number {
    if (this.soleFirst !== undefined) return text.indexOf(this.soleFirst, from);
    const { firstUnits } = this;
    if (firstUnits.size === 0) return -1;
    for (let index = from; index < text.length; index++) {
      if (firstUnits.has(text.charCodeAt(index))) return index;
    }
    return -1;
  }

  private longestAt(text: string, start: number): { id: number; length: number } | undefined {
    let node: TrieNode | undefined = this.root;
    let id = -1;
    let length = 0;
    for (let index = start; index < text.length; index++) {
      node = node.children.get(text.charCodeAt(index));
      if (node === undefined) break;
      if (node.id >= 0) {
        id = node.id;
        length = index + 1 - start;
      }
    }
    return id < 0 ? undefined : { id, length };
  }
}

/** A token that may begin inside a character does not divide a text. */
function divides(text: string, token: AddedToken): boolean {
  return !token.isSingleWord && !token.stripsLeft && wellFormed(text) === text;
}

function standsAlone(text: string, start: number, end: number): boolean {
  const before = start === 0 ? "" : lastCharacter(text, start);
  const after = end >= text.length ? "" : String.fromCodePoint(text.codePointAt(end) as number);
  return !wordCharacter.test(before) && !wordCharacter.test(after);
}

function lastCharacter(text: string, end: number): string {
  const pair = end >= 2 ? (text.codePointAt(end - 2) as number) : 0;
  return text.slice(pair > 0xffff ? end - 2 : end - 1, end);
}

function countSpacesBefore(text: string, end: number): number {
  return spacesAtEnd.exec(text.slice(0, end))?.[0].length ?? 0;
}

function countSpacesAfter(text: string, start: number): number {
  return spacesAtStart.exec(text.slice(start))?.[0].length ?? 0;
}
