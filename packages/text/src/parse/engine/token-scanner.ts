import type { Tokenizer } from "../../tokenizer/tokenizer.ts";

/** Name of the mark of special tokens that mean nothing to the format and are dropped. */
export const DROPPED = "(dropped)";

/** A piece of text, or a mark that came as a token. */
export type ScannedItem = ScannedText | ScannedMark;

/** Text with the texts of its tokens. */
export interface ScannedText {
  readonly mark: undefined;
  readonly text: string;
  readonly tokenTexts: readonly string[];
  readonly tokenCount: number;
}

/** A token that is a mark, with its text. */
export interface ScannedMark {
  readonly mark: string;
  readonly text: string;
}

interface Deferred {
  readonly item: ScannedMark;
  /** Tokens of text in front of it that has not arrived. */
  tokensBefore: number;
}

/**
 * Finds the tokens that are marks in outputs whose text may lag behind their ids. A mark whose text is not there yet waits for
 * it, because only then is it known which text comes before.
 */
export class TokenScanner {
  private readonly marks: ReadonlyMap<number, string>;
  private readonly tokenizer: Tokenizer;
  private deferred: Deferred[] = [];
  private trailingTokens = 0;
  private waitingText = "";

  constructor(marks: ReadonlyMap<number, string>, tokenizer: Tokenizer) {
    this.marks = marks;
    this.tokenizer = tokenizer;
  }

  /** True while marks wait for their text. */
  get isWaiting(): boolean {
    return this.deferred.length > 0;
  }

  /** True where one of the ids is a mark. */
  hasMark(tokenIds: readonly number[]): boolean {
    for (const id of tokenIds) if (this.marks.has(id)) return true;
    return false;
  }

  /** The next output. */
  scan(text: string, tokenIds: readonly number[]): readonly ScannedItem[] {
    let rest = text;
    let trailing = 0;
    const items: ScannedItem[] = [];
    if (this.deferred.length > 0) {
      const resolved = this.resolve(text, tokenIds.length);
      items.push(...resolved.items);
      ({ rest, trailing } = resolved);
    }
    if (!this.hasMark(tokenIds)) {
      if (rest !== "") {
        const tokenTexts = tokenIds.map((id) => this.tokenizer.tokenText(id));
        items.push({ mark: undefined, text: rest, tokenTexts, tokenCount: trailing + tokenTexts.length });
      }
      return items;
    }
    const found = this.split(tokenIds);
    if (trailing > 0) found.unshift({ mark: undefined, text: "", tokenTexts: [], tokenCount: trailing });
    if (rest === "") this.deferAll(found);
    else items.push(...this.matchText(rest, found));
    return items;
  }

  /** Gives out what waits, at the end. */
  flush(): readonly ScannedItem[] {
    const items: ScannedItem[] = [];
    if (this.waitingText !== "") {
      items.push(plain(this.waitingText, this.deferred[0]?.tokensBefore ?? 0));
    }
    items.push(...this.deferred.map(({ item }) => item));
    if (this.deferred.length > 0 && this.trailingTokens > 0) items.push(plain("", this.trailingTokens));
    this.waitingText = "";
    this.deferred = [];
    this.trailingTokens = 0;
    return items;
  }

  /** Marks and the text between them, each token decoded alone. */
  private split(tokenIds: readonly number[]): ScannedItem[] {
    const items: ScannedItem[] = [];
    let texts: string[] = [];
    const close = (): void => {
      const text = texts.join("");
      if (text !== "") items.push({ mark: undefined, text, tokenTexts: texts, tokenCount: texts.length });
      texts = [];
    };
    for (const id of tokenIds) {
      const mark = this.marks.get(id);
      const text = this.tokenizer.tokenText(id);
      if (mark === undefined) texts.push(text);
      else {
        close();
        items.push({ mark, text });
      }
    }
    close();
    return items;
  }

  /** No text at all: what the tokens say alone is not reliable, so the marks wait. */
  private deferAll(items: readonly ScannedItem[]): void {
    let tokensBefore = 0;
    for (const item of items) {
      if (item.mark === undefined) tokensBefore += item.tokenCount;
      else {
        this.deferred.push({ item, tokensBefore });
        tokensBefore = 0;
      }
    }
    this.trailingTokens += tokensBefore;
  }

  /** Marks that waited, looked for in the text that has come. */
  private resolve(
    text: string,
    tokenCount: number,
  ): { readonly items: readonly ScannedItem[]; readonly rest: string; readonly trailing: number } {
    const waiting = this.deferred;
    let trailing = this.trailingTokens;
    this.deferred = [];
    this.trailingTokens = 0;
    let rest = this.waitingText + text;
    this.waitingText = "";
    const items: ScannedItem[] = [];
    for (const { item, tokensBefore } of waiting) {
      const at = rest.indexOf(item.text);
      if (at >= 0) {
        if (at > 0) items.push(plain(rest.slice(0, at), tokensBefore));
        items.push(item);
        rest = rest.slice(at + item.text.length);
        continue;
      }
      let before = tokensBefore;
      if (rest !== "") {
        this.waitingText += rest;
        before += tokenCount;
        rest = "";
      }
      this.deferred.push({ item, tokensBefore: before });
    }
    if (this.deferred.length > 0) {
      this.trailingTokens = trailing;
      trailing = 0;
    }
    return { items, rest, trailing };
  }

  /** Brings the released text and what the tokens say together: text held back earlier comes first. */
  private matchText(text: string, items: readonly ScannedItem[]): readonly ScannedItem[] {
    const decoded = items.map((item) => item.text).join("");
    if (decoded === "") return [plain(text, 0), ...items];
    const at = text.indexOf(decoded);
    if (at > 0) return [plain(text.slice(0, at), 0), ...items];
    return at === 0 ? items : this.matchMarks(text, items);
  }

  /** Tokens decode otherwise alone than together: the marks, from the right, say where the text is cut. */
  private matchMarks(text: string, items: readonly ScannedItem[]): readonly ScannedItem[] {
    const marks = items.filter((item) => item.mark !== undefined);
    if (marks.length === 0) return [plain(text, 0)];
    const between: { texts: string[]; count: number }[] = [{ texts: [], count: 0 }];
    for (const item of items) {
      if (item.mark !== undefined) between.push({ texts: [], count: 0 });
      else {
        const group = between.at(-1) as { texts: string[]; count: number };
        group.texts.push(...item.tokenTexts);
        group.count += item.tokenCount;
      }
    }
    const places = placesFromRight(text, marks);
    const result: ScannedItem[] = [];
    let used = 0;
    marks.forEach((item, index) => {
      const at = places[index] as number;
      const group = between[index] as { texts: string[]; count: number };
      if (at >= used) {
        if (at > used) result.push(withTokens(text.slice(used, at), group));
        result.push(item);
        used = at + item.text.length;
        return;
      }
      const moreFollow = places.slice(index + 1).some((place) => place >= 0);
      // A dropped token may have no text at all, so nothing waits for it.
      if (!moreFollow && used < text.length && item.mark !== DROPPED) {
        this.waitingText += text.slice(used);
        used = text.length;
      }
      this.deferred.push({ item, tokensBefore: group.count });
    });
    if (used < text.length) {
      result.push(withTokens(text.slice(used), between.at(-1) ?? { texts: [], count: 0 }));
    }
    return result;
  }
}

function plain(text: string, tokenCount: number): ScannedText {
  return { mark: undefined, text, tokenTexts: [], tokenCount };
}

function withTokens(
  text: string,
  group: { readonly texts: readonly string[]; readonly count: number },
): ScannedText {
  return { mark: undefined, text, tokenTexts: group.texts, tokenCount: group.count };
}

function placesFromRight(text: string, marks: readonly ScannedItem[]): readonly number[] {
  const places: number[] = marks.map(() => -1);
  let end = text.length;
  for (let index = marks.length - 1; index >= 0; index--) {
    const mark = marks[index]?.text ?? "";
    const at = end < mark.length ? -1 : text.lastIndexOf(mark, end - mark.length);
    if (at >= 0) {
      places[index] = at;
      end = at;
    }
  }
  return places;
}
