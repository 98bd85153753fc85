const CALL_START = /[a-zA-Z][\p{L}\p{M}\p{N}\p{Pc}]*\(/uy;
const ARGUMENT_START = /[a-zA-Z][\p{L}\p{M}\p{N}\p{Pc}]*=/uy;
const SPACE = /\s*/y;
const LIST_END = /\)\s*\]/;

/**
 * Whether a text looks as if it began with a list of calls, by the measure of vLLM's pattern: `[`, calls without arguments,
 * then the end of the list or a call with a named argument and, anywhere behind it, `)` and `]`. Takes linear time on any
 * text, which the pattern itself does not.
 */
export function looksLikeCalls(text: string): boolean {
  if (!text.startsWith("[")) return false;
  let position = 1;
  let commaAllowed = true;
  for (;;) {
    CALL_START.lastIndex = position;
    if (!CALL_START.test(text)) return false;
    position = CALL_START.lastIndex;
    if (text.charAt(position) !== ")") {
      ARGUMENT_START.lastIndex = position;
      return ARGUMENT_START.test(text) && LIST_END.test(text.slice(ARGUMENT_START.lastIndex));
    }
    position++;
    if (commaAllowed && text.charAt(position) === ",") {
      position++;
    } else {
      commaAllowed = false;
    }
    SPACE.lastIndex = position;
    SPACE.test(text);
    position = SPACE.lastIndex;
    if (!commaAllowed && text.charAt(position) === "]") return true;
  }
}
