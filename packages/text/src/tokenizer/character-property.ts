import { TextError } from "../text-error.ts";
import { newerThanUnicode16 } from "./unicode-differences.ts";

/** What Oniguruma's POSIX-style names and letter escapes mean for Unicode text, as the inside of a `v` class. */
const posixClasses: Readonly<Record<string, string>> = {
  alnum: "\\p{Alphabetic}\\p{Nd}",
  alpha: "\\p{Alphabetic}",
  ascii: "\\u{0}-\\u{7f}",
  blank: "\\p{Zs}\\t",
  cntrl: "\\p{Cc}",
  digit: "\\p{Nd}",
  lower: "\\p{Lowercase}\\u{295}",
  punct: "\\p{P}\\p{S}",
  space: "\\p{White_Space}",
  upper: "\\p{Uppercase}",
  // Oniguruma counts the superscripts and fractions of Latin-1 as word characters.
  word: "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\u{b2}\\u{b3}\\u{b9}\\u{bc}-\\u{be}",
  xdigit: "0-9A-Fa-f",
};

/** Properties that an unassigned code point has. */
const unassignedProperties = new Set(["c", "other", "cn", "unassigned"]);

/** Changes of category between Unicode 16 and 17. */
const recategorized: Readonly<Record<string, readonly [added: string, removed: string]>> = {
  Ll: ["\\u{295}", ""],
  Lowercase_Letter: ["\\u{295}", ""],
  Lo: ["", "\\u{295}"],
  Other_Letter: ["", "\\u{295}"],
};

/** A set of characters as Unicode 16 has it, as a `v`-mode class. */
function classOf(inside: string, negated: boolean): string {
  return negated ? `[^[${inside}]--[${newerThanUnicode16}]]` : `[[${inside}]--[${newerThanUnicode16}]]`;
}

/** One of the POSIX-style sets (`word`, `digit` …) as a `v`-mode class, or undefined for an unknown name. */
export function posixClass(name: string, negated: boolean): string | undefined {
  const inside = posixClasses[name.toLowerCase()];
  return inside === undefined ? undefined : classOf(inside, negated);
}

/**
 * A Unicode property by its Oniguruma name (`L`, `Han`, `Alpha`, `^Lu`) as a `v`-mode class.
 *
 * @param negated Whether it was written `\P{…}`.
 * @throws TextError `tokenizer_unsupported` for a name neither knows.
 */
export function translateProperty(name: string, negated: boolean): string {
  const inverted = name.startsWith("^");
  const bare = inverted ? name.slice(1) : name;
  const isNegated = inverted !== negated;
  const posix = posixClass(bare, isNegated);
  if (posix !== undefined) return posix;
  for (const candidate of [bare, `Script=${bare}`]) {
    const source = `\\p{${candidate}}`;
    if (!compiles(source)) continue;
    if (unassignedProperties.has(candidate.toLowerCase())) {
      return isNegated ? `[^${source}${newerThanUnicode16}]` : `[${source}${newerThanUnicode16}]`;
    }
    const [added, removed] = recategorized[candidate] ?? ["", ""];
    return classOf(removed === "" ? source + added : `[${source}--[${removed}]]`, isNegated);
  }
  throw new TextError(
    "tokenizer_unsupported",
    `tokenizer.json: unknown character property \\p{${name}} in a pattern`,
  );
}

function compiles(source: string): boolean {
  try {
    return new RegExp(source, "v") instanceof RegExp;
  } catch {
    return false;
  }
}
