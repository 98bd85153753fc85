const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;
const PLAIN_ASCII = /^[ !#-[\]-~]*$/;
const NOT_ASCII = /[\u0080-\uffff]/;
const SHORT_UNITS = 32;
const NOT_PRINTABLE_ASCII = /[\u007f-\uffff]/g;

/**
 * A string as a JSON string with its quotes; characters outside ASCII stay as they are, as in vLLM's answers.
 * Lone surrogates are escaped.
 */
export function quoteJson(text: string): string {
  return NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Whether a text is nothing but ASCII. */
export function isAscii(text: string): boolean {
  return !NOT_ASCII.test(text);
}

/** Whether a text is printable ASCII that JSON writes as it is. */
export function isPlainAscii(text: string): boolean {
  // Texts of tokens are short: a loop is done before a regular expression has begun.
  if (text.length > SHORT_UNITS) return PLAIN_ASCII.test(text);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit < 0x20 || unit > 0x7e || unit === 0x22 || unit === 0x5c) return false;
  }
  return true;
}

/** A string as Python's `json.dumps` prints it by default: printable ASCII only. */
export function quoteAscii(text: string): string {
  return JSON.stringify(text).replace(
    NOT_PRINTABLE_ASCII,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
