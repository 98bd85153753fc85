/** JSON up to its first escape of half a surrogate pair, and the halves that follow each other there. */
const FIRST_SURROGATES = /^((?:[^\\]|\\(?!ud[89a-f])[^])*)((?:\\ud[89a-f][0-9a-f]{2})+)/u;
const ESCAPE_LENGTH = "\\ud800".length;

/**
 * What Python says when it fails to write an answer, where the text of it (as `quoteJson` writes texts) has half a
 * surrogate pair; undefined where it has none.
 */
export function unwritableText(json: string): string | undefined {
  if (!json.includes("\\ud")) return undefined;
  const [, before = "", halves = ""] = FIRST_SURROGATES.exec(json) ?? [];
  if (halves === "") return undefined;
  const start = [...before].length;
  const count = halves.length / ESCAPE_LENGTH;
  const what =
    count === 1
      ? `character '${halves}' in position ${start}`
      : `characters in position ${start}-${start + count - 1}`;
  return `'utf-8' codec can't encode ${what}: surrogates not allowed`;
}
