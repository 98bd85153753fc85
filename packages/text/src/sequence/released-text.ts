import { codePointLength } from "../tokenizer/utf8.ts";

/**
 * Text on its way out: new text enters at the end, all but the last few code points may leave. What has left recently is
 * remembered as far as a stop string can reach back.
 */
export class ReleasedText {
  /** Text not released, after `remembered` units that are. */
  private tail = "";
  private remembered = 0;
  private readonly holdBack: number;
  private readonly reach: number;

  /**
   * @param holdBack Code points at the end that stay.
   * @param reach UTF-16 units of released text to remember.
   */
  constructor(holdBack: number, reach: number) {
    this.holdBack = holdBack;
    this.reach = reach;
  }

  /** The remembered and the held text. */
  get searchable(): string {
    return this.tail;
  }

  /** Adds text at the end. */
  append(text: string): void {
    this.tail += text;
  }

  /** Cuts units off the end; nothing that has been released. Returns how many of them could not be cut. */
  cut(units: number): void {
    this.tail = this.tail.slice(0, Math.max(this.remembered, this.tail.length - units));
  }

  /** The text that may leave now. */
  release(): string {
    const end = this.releasableEnd();
    const text = this.tail.slice(this.remembered, end);
    const forgotten = Math.max(0, end - this.reach);
    // Where nothing is searched later nothing is remembered, and the common case costs no copy.
    this.tail = forgotten === this.tail.length ? "" : this.tail.slice(forgotten);
    this.remembered = end - forgotten;
    return text;
  }

  /** Everything that is left. */
  releaseAll(): string {
    const text = this.tail.slice(this.remembered);
    this.remembered = this.tail.length;
    return text;
  }

  private releasableEnd(): number {
    const { tail, remembered, holdBack } = this;
    if (holdBack === 0) return tail.length;
    // As many code points leave as there are more than must stay, counted from the front.
    let excess = codePointLength(remembered === 0 ? tail : tail.slice(remembered)) - holdBack;
    let end = remembered;
    for (; excess > 0; excess--) end += (tail.codePointAt(end) as number) > 0xffff ? 2 : 1;
    return end;
  }
}
