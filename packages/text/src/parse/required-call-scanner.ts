import { parseJson } from "../template/python/parse-json.ts";
import { isSpaceUnit } from "../template/python/whitespace.ts";

/** One element of the list of forced calls, as far as it is known. */
export interface RequiredCall {
  /** Undefined until the string is closed, and for ever where it is no JSON string. */
  name: string | undefined;
  /** True once the first character of `parameters` is there. */
  argumentsStarted: boolean;
  /** Text of `parameters` that nobody has taken yet. */
  pending: string;
}

/** Where the scan is inside an element. */
type Expectation = "key" | "colon" | "value" | "string" | "container" | "scalar" | "separator";

/**
 * Reads a growing JSON list of `{"name": …, "parameters": …}` objects, the form of `tool_choice: "required"` without a
 * structural tag. Only the elements' own level is interpreted, so that nothing inside strings or nested values can confuse it.
 * Each character is looked at once.
 */
export class RequiredCallScanner {
  /** The elements so far, in order. */
  readonly calls: RequiredCall[] = [];
  private current: RequiredCall | undefined;
  private ended = false;
  private depth = 0;
  private inString = false;
  private escaped = false;
  private expects: Expectation = "key";
  private key: string | undefined;
  /** Text of the key or name that is being read. */
  private word = "";

  /** Reads the next piece. */
  feed(piece: string): void {
    // Where in the piece the part of `parameters` that is not yet pending begins; -1 outside `parameters`.
    let from = this.insideArguments() ? 0 : -1;
    for (let at = 0; at < piece.length && !this.ended; at++) {
      const call = this.current;
      const wasInside = from >= 0;
      const end = this.step(piece.charCodeAt(at), piece.charAt(at)) === "before" ? at : at + 1;
      const isInside = this.insideArguments();
      if (!wasInside && isInside) from = at;
      else if (wasInside && !isInside) {
        if (call !== undefined) call.pending += piece.slice(from, end);
        from = -1;
      }
    }
    if (from >= 0 && this.current !== undefined) this.current.pending += piece.slice(from);
  }

  private insideArguments(): boolean {
    return (
      this.current !== undefined &&
      this.key === "parameters" &&
      (this.expects === "string" || this.expects === "container" || this.expects === "scalar")
    );
  }

  /** Takes one UTF-16 unit; "before" where a value ended in front of it. */
  private step(unit: number, character: string): "before" | undefined {
    if (this.inString) return this.stepInString(character);
    if (character === '"') return this.openString();
    if (character === "{" || character === "[") return this.open(character);
    if (character === "}" || character === "]") return this.close();
    if (this.depth !== 2 || this.current === undefined) return undefined;
    if (character === ":") {
      if (this.expects === "colon") this.expects = "value";
    } else if (character === ",") {
      const ended = this.endScalar();
      this.expects = "key";
      this.key = undefined;
      return ended;
    } else if (isSpaceUnit(unit)) return this.endScalar();
    else if (this.expects === "value") this.startValue("scalar");
    return undefined;
  }

  private stepInString(character: string): undefined {
    if (this.depth === 2) this.word += character;
    if (this.escaped) this.escaped = false;
    else if (character === "\\") this.escaped = true;
    else if (character === '"') {
      this.inString = false;
      if (this.depth !== 2 || this.current === undefined) return;
      if (this.expects === "key") {
        this.key = this.word.slice(1, -1);
        this.expects = "colon";
      } else if (this.expects === "string") {
        if (this.key === "name") this.current.name = textOf(this.word);
        this.expects = "separator";
      }
    }
  }

  private openString(): undefined {
    this.inString = true;
    if (this.depth !== 2) return;
    this.word = '"';
    if (this.current !== undefined && this.expects === "value") this.startValue("string");
  }

  private open(character: string): undefined {
    if ((this.depth === 0 && character !== "[") || (this.depth === 1 && character !== "{")) {
      this.ended = true;
      return;
    }
    if (this.depth === 1) {
      this.current = { name: undefined, argumentsStarted: false, pending: "" };
      this.calls.push(this.current);
      this.expects = "key";
      this.key = undefined;
    } else if (this.depth === 2 && this.current !== undefined && this.expects === "value") {
      this.startValue("container");
    }
    this.depth++;
  }

  private close(): "before" | undefined {
    const ended = this.depth === 2 ? this.endScalar() : undefined;
    this.depth--;
    if (this.depth === 2 && this.expects === "container") this.expects = "separator";
    else if (this.depth === 1) this.current = undefined;
    else if (this.depth <= 0) this.ended = true;
    return ended;
  }

  private startValue(expects: Expectation): void {
    this.expects = expects;
    if (this.key === "parameters" && this.current !== undefined) this.current.argumentsStarted = true;
  }

  private endScalar(): "before" | undefined {
    if (this.expects !== "scalar") return undefined;
    this.expects = "separator";
    return "before";
  }
}

function textOf(literal: string): string | undefined {
  const value = parseJson(literal);
  return typeof value === "string" ? value : undefined;
}
