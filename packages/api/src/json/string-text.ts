const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const NOT_PRINTABLE_ASCII = /[\u007f-\uffff]/g;

/**
 * A string as a JSON string with its quotes; characters outside ASCII stay as they are, as in vLLM's answers.
 * Lone surrogates are escaped.
 */
export function quoteJson(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** A string as Python's `json.dumps` prints it by default: printable ASCII only. */
export function quoteAscii(text: string): string {
  return JSON.stringify(text).replace(
    NOT_PRINTABLE_ASCII,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
