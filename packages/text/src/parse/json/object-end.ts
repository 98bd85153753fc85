/** Finds where the JSON object that a growing text begins with ends, looking at each character once. */
export class ObjectEnd {
  private depth = 0;
  private inString = false;
  private isEscaped = false;
  private isOver = false;

  /** Takes more of the text. @returns the position in it behind the closing brace, -1 where that is not in it */
  feed(text: string): number {
    for (let at = 0; at < text.length && !this.isOver; at++) {
      this.step(text.charCodeAt(at));
      if (this.depth > 0) continue;
      this.isOver = true;
      return at + 1;
    }
    return -1;
  }

  private step(unit: number): void {
    if (this.isEscaped) this.isEscaped = false;
    else if (this.inString) {
      if (unit === 0x5c) this.isEscaped = true;
      else if (unit === 0x22) this.inString = false;
    } else if (unit === 0x22) this.inString = true;
    else if (unit === 0x7b || unit === 0x5b) this.depth++;
    else if (unit === 0x7d || unit === 0x5d) this.depth--;
  }
}
