import { TextError } from "../text-error.ts";
import { posixClass, translateProperty } from "./character-property.ts";

/** Letters that fold to an ASCII letter besides its other case (Unicode CaseFolding.txt). */
const extraFolds: Readonly<Record<string, string>> = { s: "\u017f", k: "\u212a" };

/** Letters that together fold to one character (ß, ﬁ …): without case they would match it too. */
const multipleFolds: ReadonlySet<string> = new Set(["ss", "st", "ff", "fi", "fl"]);

const needsEscape = /[\^$\\.*+?()[\]{}|/&\-!#%,:;<=>@`~]/;
const patternSyntax = /[\^$\\.*+?()[\]{}|/]/;

const letterEscapes: Readonly<Record<string, string>> = {
  s: "\\p{White_Space}",
  S: "\\P{White_Space}",
  h: "[0-9A-Fa-f]",
  H: "[^0-9A-Fa-f]",
};

const controlEscapes: Readonly<Record<string, string>> = {
  n: "\n",
  r: "\r",
  t: "\t",
  f: "\f",
  v: "\v",
  a: "\u0007",
  e: "\u001b",
};

const anchors: Readonly<Record<string, string>> = {
  A: "(?<![^])",
  z: "(?![^])",
  Z: "(?=\\n?(?![^]))",
};

const groupStarts: Readonly<Record<string, string>> = {
  "?:": "(?:",
  "?=": "(?=",
  "?!": "(?!",
  "?<=": "(?<=",
  "?<!": "(?<!",
};

/**
 * A pattern in the dialect of `tokenizer.json` (Oniguruma over Unicode text) as a JavaScript pattern for the flags `gv`.
 * The dialects differ in what `\s`, `\w`, `\d`, `.` and `^` mean, in inline flags, possessive quantifiers and names.
 *
 * @throws TextError `tokenizer_unsupported` when the pattern uses something that has no exact translation.
 */
export function translatePattern(pattern: string): RegExp {
  const source = new PatternTranslation(pattern).whole();
  try {
    return new RegExp(source, "gv");
  } catch (cause) {
    throw new TextError("tokenizer_unsupported", `tokenizer.json: cannot use the pattern ${pattern}`, {
      cause,
    });
  }
}

/** A pattern that matches a text literally, with the flags of {@link translatePattern}. */
export function literalPattern(text: string): RegExp {
  return new RegExp(Array.from(text, (character) => literal(character)).join(""), "gv");
}

function literal(character: string): string {
  return patternSyntax.test(character) ? `\\${character}` : character;
}

class PatternTranslation {
  private readonly characters: readonly string[];
  private readonly pattern: string;
  private position = 0;
  private ignoreCase = false;
  private dotMatchesNewline = false;
  private atomicGroups = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
    this.characters = Array.from(pattern);
  }

  whole(): string {
    const source = this.alternatives();
    if (this.position < this.characters.length) throw this.unsupported("unbalanced )");
    return source;
  }

  private alternatives(): string {
    const outerFlags = [this.ignoreCase, this.dotMatchesNewline] as const;
    let atoms: string[] = [];
    let source = "";
    while (this.position < this.characters.length && this.peek() !== ")") {
      const character = this.next();
      if (character === "|") {
        source += `${atoms.join("")}|`;
        atoms = [];
      } else if (
        character === "*" ||
        character === "+" ||
        character === "?" ||
        this.startsInterval(character)
      ) {
        this.quantify(atoms, character);
      } else {
        atoms.push(this.atom(character));
      }
    }
    [this.ignoreCase, this.dotMatchesNewline] = outerFlags;
    return source + atoms.join("");
  }

  private startsInterval(character: string): boolean {
    return character === "{" && /^\{\d*,?\d*\}/.test(this.rest(-1)) && !this.rest(-1).startsWith("{}");
  }

  private quantify(atoms: string[], first: string): void {
    const atom = atoms.pop();
    if (atom === undefined) throw this.unsupported("quantifier without a target");
    if (first === "{") {
      let interval = "{";
      while (!interval.endsWith("}")) interval += this.next();
      // Oniguruma reads {,n} as {0,n}; a + after an interval repeats it, it is not possessive there.
      const quantified = atom + interval.replace("{,", "{0,") + (this.accept("?") ? "?" : "");
      atoms.push(`(?:${quantified})`);
      return;
    }
    if (this.accept("+")) {
      atoms.push(this.atomic(atom + first));
      return;
    }
    atoms.push(`(?:${atom}${first}${this.accept("?") ? "?" : ""})`);
  }

  /** A lookahead never gives back what it matched, so that capture and back reference make an atomic group. */
  private atomic(source: string): string {
    const name = `atomic${this.atomicGroups++}`;
    return `(?:(?=(?<${name}>${source}))\\k<${name}>)`;
  }

  private atom(character: string): string {
    switch (character) {
      case "(":
        return this.group();
      case "[":
        return this.characterClass();
      case "\\":
        return this.escape();
      case ".":
        return this.dotMatchesNewline ? "[^]" : "[^\\n]";
      case "^":
        return "(?<![^\\n])";
      case "$":
        return "(?![^\\n])";
      default:
        return this.literalAtom(character);
    }
  }

  private literalAtom(character: string): string {
    const variants = this.ignoreCase ? caseVariants(character) : [character];
    if (this.ignoreCase && multipleFolds.has((character + (this.peek() ?? "")).toLowerCase())) {
      throw this.unsupported("letters without case that fold to a ligature");
    }
    if (variants.length === 1) return literal(character);
    return `[${variants.map((variant) => classLiteral(variant)).join("")}]`;
  }

  private group(): string {
    const rest = this.rest(0);
    for (const [start, translation] of Object.entries(groupStarts)) {
      if (!rest.startsWith(start)) continue;
      this.position += start.length;
      return translation + this.closedAlternatives();
    }
    if (rest.startsWith("?>")) {
      this.position += 2;
      return this.atomic(this.closedAlternatives().slice(0, -1));
    }
    if (rest.startsWith("?#")) {
      while (this.next() !== ")");
      return "";
    }
    const flags = /^\?([im]*)(?:-([im]+))?([:)])/.exec(rest);
    if (flags !== null) {
      this.position += flags[0].length;
      const outerFlags = [this.ignoreCase, this.dotMatchesNewline] as const;
      if (flags[1]?.includes("i")) this.ignoreCase = true;
      if (flags[1]?.includes("m")) this.dotMatchesNewline = true;
      if (flags[2]?.includes("i")) this.ignoreCase = false;
      if (flags[2]?.includes("m")) this.dotMatchesNewline = false;
      // (?i) without a colon holds to the end of the enclosing group, alternatives included.
      if (flags[3] === ")") return `(?:${this.alternatives()})`;
      const source = `(?:${this.closedAlternatives()}`;
      [this.ignoreCase, this.dotMatchesNewline] = outerFlags;
      return source;
    }
    const named = /^\?<\w+>/.exec(rest);
    if (named !== null) this.position += named[0].length;
    else if (rest.startsWith("?")) throw this.unsupported(`group (${rest.slice(0, 3)}`);
    return `(?:${this.closedAlternatives()}`;
  }

  private closedAlternatives(): string {
    const source = this.alternatives();
    if (!this.accept(")")) throw this.unsupported("missing )");
    return `${source})`;
  }

  private escape(): string {
    const character = this.next();
    const anchor = anchors[character];
    if (anchor !== undefined) return anchor;
    if (/[1-9kgGKbByYRXN]/.test(character)) throw this.unsupported(`\\${character}`);
    const set = this.setEscape(character);
    return set ?? this.literalAtom(this.characterEscape(character));
  }

  private setEscape(character: string): string | undefined {
    if (character === "d" || character === "D") return posixClass("digit", character === "D");
    if (character === "w" || character === "W") return posixClass("word", character === "W");
    if (character !== "p" && character !== "P") return letterEscapes[character];
    if (!this.accept("{")) throw this.unsupported("\\p without braces");
    let name = "";
    for (let next = this.next(); next !== "}"; next = this.next()) name += next;
    return translateProperty(name, character === "P");
  }

  private characterEscape(character: string): string {
    const control = controlEscapes[character];
    if (control !== undefined) return control;
    if (character === "0") return "\0";
    if (character === "x" || character === "u") {
      const form = character === "x" ? /^(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{1,2}))/ : /^()([0-9a-fA-F]{4})/;
      const digits = form.exec(this.rest(0));
      if (digits === null) throw this.unsupported(`\\${character}`);
      this.position += digits[0].length;
      return String.fromCodePoint(Number.parseInt(digits[1] || (digits[2] as string), 16));
    }
    if (/[a-zA-Z]/.test(character)) throw this.unsupported(`\\${character}`);
    return character;
  }

  private characterClass(): string {
    const opening = this.accept("^") ? "[^" : "[";
    const operands: string[] = [];
    let items = "";
    for (let isFirst = true; ; isFirst = false) {
      const character = this.next();
      if (character === "]" && !isFirst) break;
      if (character === "&" && this.accept("&")) {
        operands.push(`[${items}]`);
        items = "";
      } else {
        items += this.classItem(character);
      }
    }
    if (operands.length === 0) return `${opening}${items}]`;
    return `${opening}${[...operands, `[${items}]`].join("&&")}]`;
  }

  private classItem(character: string): string {
    if (character === "[") {
      const posix = /^:(\^?)(\w+):\]/.exec(this.rest(0));
      if (posix === null) return this.characterClass();
      this.position += posix[0].length;
      return translateProperty(posix[2] as string, posix[1] === "^");
    }
    let start = character;
    if (character === "\\") {
      const escaped = this.next();
      const set = this.setEscape(escaped);
      if (set !== undefined) {
        if (this.ignoreCase && set.startsWith("\\p{L"))
          throw this.unsupported("a letter property without case");
        return set;
      }
      start = this.characterEscape(escaped);
    }
    if (this.peek() !== "-" || this.characters[this.position + 1] === "]") return this.classCharacter(start);
    this.position++;
    let end = this.next();
    if (end === "[") throw this.unsupported("a class as the end of a range");
    if (end === "\\") end = this.characterEscape(this.next());
    return this.classRange(start, end);
  }

  private classCharacter(character: string): string {
    return (this.ignoreCase ? caseVariants(character) : [character])
      .map((variant) => classLiteral(variant))
      .join("");
  }

  private classRange(start: string, end: string): string {
    const range = `${classLiteral(start)}-${classLiteral(end)}`;
    if (!this.ignoreCase) return range;
    const first = start.codePointAt(0) as number;
    const last = end.codePointAt(0) as number;
    if (last > 0x7f) throw this.unsupported("a range beyond ASCII without case");
    let folded = range;
    for (let code = first; code <= last; code++) {
      for (const variant of caseVariants(String.fromCodePoint(code))) folded += classLiteral(variant);
    }
    return folded;
  }

  private rest(offset: number): string {
    return this.characters.slice(this.position + offset).join("");
  }

  private peek(): string | undefined {
    return this.characters[this.position];
  }

  private next(): string {
    const character = this.characters[this.position++];
    if (character === undefined) throw this.unsupported("an unexpected end");
    return character;
  }

  private accept(character: string): boolean {
    if (this.peek() !== character) return false;
    this.position++;
    return true;
  }

  private unsupported(what: string): TextError {
    return new TextError("tokenizer_unsupported", `tokenizer.json: ${what} in the pattern ${this.pattern}`);
  }
}

function classLiteral(character: string): string {
  return needsEscape.test(character) ? `\\${character}` : character;
}

function caseVariants(character: string): readonly string[] {
  const lower = character.toLowerCase();
  const upper = character.toUpperCase();
  const variants = new Set([character]);
  // A fold to several characters (ß → SS) is not a variant of one character.
  for (const variant of [lower, upper, extraFolds[lower]]) {
    if (variant !== undefined && Array.from(variant).length === 1) variants.add(variant);
  }
  return [...variants];
}
