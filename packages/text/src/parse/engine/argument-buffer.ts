/**
 * Holds back the closing brackets at the top of a JSON value until more follows: they may belong to what surrounds it.
 * Strings and nesting are followed, nothing else.
 */
export class ArgumentBuffer {
  private held = "";
  private depth = 0;
  private inString = false;
  private escaped = false;

  /** Begins a new value; what is held stays. */
  restart(): void {
    this.depth = 0;
    this.inString = false;
    this.escaped = false;
  }

  /** Text that is safe to give out now that `text` has come. */
  push(text: string): string {
    let safe = 0;
    for (let at = 0; at < text.length; at++) if (this.step(text.charAt(at))) safe = at + 1;
    if (safe === 0) {
      this.held += text;
      return "";
    }
    const released = this.held + text.slice(0, safe);
    this.held = text.slice(safe);
    return released;
  }

  /** What is held back. */
  takeHeld(): string {
    const { held } = this;
    this.held = "";
    return held;
  }

  /** True outside strings with every bracket closed. */
  get isBalanced(): boolean {
    return this.depth === 0 && !this.inString && !this.escaped;
  }

  /** Follows one character. @returns false for a bracket that closes the top */
  private step(character: string): boolean {
    if (this.escaped) this.escaped = false;
    else if (this.inString) {
      if (character === "\\") this.escaped = true;
      else if (character === '"') this.inString = false;
    } else if (character === '"') this.inString = true;
    else if (character === "{" || character === "[") this.depth++;
    else if (character === "}" || character === "]") {
      if (this.depth > 0) this.depth--;
      return this.depth > 0;
    }
    return true;
  }
}
