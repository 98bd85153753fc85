const KEYWORDS = new Set(
  (
    "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);

/** Whether Python reserves a word, so that nothing can be named by it. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.has(word);
}
