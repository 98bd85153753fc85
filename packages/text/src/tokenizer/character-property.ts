import { TextError } from "../text-error.ts";

/** What Oniguruma's POSIX-style names and letter escapes mean for Unicode text, as the inside of a `v` class. */
export const posixClasses: Readonly<Record<string, string>> = {
  alnum: "\\p{Alphabetic}\\p{Nd}",
  alpha: "\\p{Alphabetic}",
  ascii: "\\u{0}-\\u{7f}",
  blank: "\\p{Zs}\\t",
  cntrl: "\\p{Cc}",
  digit: "\\p{Nd}",
  lower: "\\p{Lowercase}",
  punct: "\\p{P}\\$\\+\\<\\=\\>\\^\\`\\|\\~",
  space: "\\p{White_Space}",
  upper: "\\p{Uppercase}",
  word: "\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}",
  xdigit: "0-9A-Fa-f",
};

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
  const posix = posixClasses[bare.toLowerCase()];
  if (posix !== undefined) return isNegated ? `[^${posix}]` : `[${posix}]`;
  const letter = isNegated ? "P" : "p";
  for (const candidate of [bare, `Script=${bare}`]) {
    const source = `\\${letter}{${candidate}}`;
    if (compiles(source)) return source;
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
