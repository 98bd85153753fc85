/** An entry of `added_tokens`. */
export const oddToken = (id: number, content: string, own: object = {}): object => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: true,
  ...own,
});

/** Tokens of every kind: one that begins another, ones that take spaces, one that stands alone, ones that see what became of lone surrogates. */
const TOKENS = [
  oddToken(300, "<end>"),
  oddToken(301, "<user>"),
  oddToken(303, "<beg>"),
  oddToken(304, "<a"),
  oddToken(305, "<a>"),
  oddToken(306, "<left>", { lstrip: true }),
  oddToken(307, "<right>", { rstrip: true }),
  oddToken(308, "<word>", { single_word: true }),
];
const NORMALIZED = oddToken(309, "<normal>", { normalized: true, special: false });

/** Members of `tokenizer.json` that differ from the tiny one. */
export interface OddMembers {
  readonly added_tokens: readonly object[];
  readonly [member: string]: unknown;
}

/** Tiny tokenizers of many kinds, by what is odd about them. */
export const ODD_TOKENIZERS: readonly (readonly [name: string, overrides: OddMembers])[] = [
  ["plain", { added_tokens: TOKENS }],
  ["tokens in the normalized text", { added_tokens: [...TOKENS, NORMALIZED] }],
  ["a token that sees lone surrogates", { added_tokens: [...TOKENS, oddToken(310, "\ufffd")] }],
  [
    "a space before the first word",
    { added_tokens: TOKENS, pre_tokenizer: { type: "ByteLevel", add_prefix_space: true, use_regex: true } },
  ],
  ["NFC", { added_tokens: TOKENS, normalizer: { type: "NFC" } }],
  [
    "a normalizer that changes lengths",
    { added_tokens: TOKENS, normalizer: { type: "Replace", pattern: { String: "hello" }, content: "" } },
  ],
  ["lower case", { added_tokens: [...TOKENS, NORMALIZED], normalizer: { type: "Lowercase" } }],
];

/** Parts of texts in which they find their tokens, or nearly. */
export const ODD_PARTS = [
  "<end>",
  "<user>",
  "<a",
  ">",
  "<left>",
  "<right>",
  "<word>",
  "<normal>",
  "<NORMAL>",
  "hello world ",
  "é中😀",
  "e\u0301",
  " ",
  "  ",
  "\ud800",
  "\udc00",
  "x",
  "\n",
  "hello ".repeat(40),
  "中 hello wo ".repeat(30),
  "e\u0301 A\u030a ".repeat(40),
  `${"hello ".repeat(40)}\udc00`,
  `\ud83d${"x".repeat(200)}`,
];
