import { parseJson } from "../../template/python/parse-json.ts";
import { isSpaceUnit } from "../../template/python/whitespace.ts";

/** What an incremental reader of JSON sees, with the path to it (`item.arguments`, empty for the whole). */
export interface JsonEvent {
  readonly path: string;
  readonly kind: "start-map" | "end-map" | "start-array" | "end-array" | "key" | "string" | "other";
  /** Of a key or a string. */
  readonly value: string;
}

interface Container {
  readonly kind: "map" | "array";
  readonly path: string;
  key: string;
}

type Expected = "value" | "value-or-end" | "key" | "key-or-end" | "colon" | "comma-or-end" | "nothing";

/** Thrown for text that is no JSON; the reader is of no use afterwards. */
export class JsonEventFailure extends Error {}

const LITERALS = ["null", "true", "false"];
const NUMBER = /[-+0-9.eE]/;

/** Reads one JSON value character by character and says what it sees as soon as it is sure. */
export class JsonEvents {
  private readonly listen: (event: JsonEvent) => void;
  private readonly open: Container[] = [];
  private expected: Expected = "value";
  /** Raw text of the string or scalar that is not whole yet. */
  private token = "";
  private isEscaped = false;
  /** Digits that an escape still needs. */
  private escapeDigits = 0;
  private hasFailed = false;

  constructor(listen: (event: JsonEvent) => void) {
    this.listen = listen;
  }

  /** @throws JsonEventFailure for text that is no JSON, and always afterwards */
  push(text: string): void {
    if (this.hasFailed) throw new JsonEventFailure();
    for (const character of text) this.take(character);
  }

  private take(character: string): void {
    if (this.token.startsWith('"')) {
      this.token += character;
      this.stringCharacter(character);
      return;
    }
    if (this.token !== "" && this.scalarCharacter(character)) return;
    if (
      character === '"' ||
      NUMBER.test(character) ||
      LITERALS.some((literal) => literal.startsWith(character))
    ) {
      // Tokens are read first, and only then is it asked whether they may stand here.
      this.token = character;
    } else if (!isSpaceUnit(character.charCodeAt(0))) {
      this.structure(character);
    }
  }

  private stringCharacter(character: string): void {
    if (this.escapeDigits > 0) {
      this.escapeDigits--;
      if (!/[0-9a-fA-F]/.test(character)) this.fail();
    } else if (this.isEscaped) {
      this.isEscaped = false;
      if (character === "u") this.escapeDigits = 4;
      else if (!'"\\/bfnrt'.includes(character)) this.fail();
    } else if (character === "\\") this.isEscaped = true;
    else if (character === '"') this.endString();
    else if (character < " ") this.fail();
  }

  /** Goes on with a number or a literal. @returns false where it has ended before the character */
  private scalarCharacter(character: string): boolean {
    if (NUMBER.test(this.token.charAt(0))) {
      if (!NUMBER.test(character)) {
        this.endScalar();
        return false;
      }
      this.token += character;
      return true;
    }
    this.token += character;
    if (!LITERALS.some((literal) => literal.startsWith(this.token))) this.fail();
    if (LITERALS.includes(this.token)) this.endScalar();
    return true;
  }

  private structure(character: string): void {
    const { expected } = this;
    const top = this.open.at(-1);
    const takesValue = expected === "value" || expected === "value-or-end";
    if (character === ":" && expected === "colon") this.expected = "value";
    else if (character === "," && expected === "comma-or-end")
      this.expected = top?.kind === "map" ? "key" : "value";
    else if (character === "}" && top?.kind === "map" && expected.endsWith("end")) this.close("end-map");
    else if (character === "]" && top?.kind === "array" && expected.endsWith("end")) this.close("end-array");
    else if (character === "{" && takesValue) this.begin("map");
    else if (character === "[" && takesValue) this.begin("array");
    else this.fail();
  }

  private begin(kind: "map" | "array"): void {
    const path = this.valuePath();
    this.listen({ path, kind: kind === "map" ? "start-map" : "start-array", value: "" });
    this.open.push({ kind, path, key: "" });
    this.expected = kind === "map" ? "key-or-end" : "value-or-end";
  }

  private close(kind: "end-map" | "end-array"): void {
    const closed = this.open.pop();
    this.afterValue();
    this.listen({ path: closed?.path ?? "", kind, value: "" });
  }

  private endString(): void {
    const value = parseJson(this.token);
    this.token = "";
    if (typeof value !== "string") this.fail();
    const top = this.open.at(-1);
    if (top?.kind === "map" && this.expected.startsWith("key")) {
      top.key = value as string;
      this.expected = "colon";
      this.listen({ path: top.path, kind: "key", value: value as string });
      return;
    }
    if (!this.expected.startsWith("value")) this.fail();
    const path = this.valuePath();
    this.afterValue();
    this.listen({ path, kind: "string", value: value as string });
  }

  private endScalar(): void {
    const isValue = parseJson(this.token) !== undefined;
    this.token = "";
    if (!isValue || !this.expected.startsWith("value")) this.fail();
    const path = this.valuePath();
    this.afterValue();
    this.listen({ path, kind: "other", value: "" });
  }

  private valuePath(): string {
    const top = this.open.at(-1);
    if (top === undefined) return "";
    const last = top.kind === "map" ? top.key : "item";
    return top.path === "" ? last : `${top.path}.${last}`;
  }

  private afterValue(): void {
    this.expected = this.open.length === 0 ? "nothing" : "comma-or-end";
  }

  private fail(): never {
    this.hasFailed = true;
    throw new JsonEventFailure();
  }
}
