import { array, assert, constantFrom, nat, oneof, property, record, type Arbitrary } from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { createTokenizer } from "./create-tokenizer.ts";
import { expectContinued, unitsShared } from "./cut-encoding.cases.ts";
import { readTokenizerFiles, type TestModel } from "./installed-tokenizer.cases.ts";
import { ODD_PARTS, ODD_TOKENIZERS, oddToken, type OddMembers } from "./odd-tokenizers.cases.ts";
import { tinyTokenizer } from "./tiny-tokenizer.cases.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Calls `check` with random pairs of texts of some parts. Returns how many of them it found continued. */
function countContinued(
  parts: Arbitrary<string>,
  runs: number,
  check: (pair: { earlier: string; later: string; sharedUnits: number }) => boolean,
): number {
  let count = 0;
  const pairs = record({
    shared: array(parts, { maxLength: 14 }),
    /** Units that are taken off the end of what is shared: often in the middle of a token. */
    off: nat(8),
    earlier: array(parts, { maxLength: 6 }),
    later: array(parts, { maxLength: 6 }),
    fewer: nat(40),
  });
  assert(
    property(pairs, ({ shared, off, earlier, later, fewer }) => {
      const begun = shared.join("");
      const kept = begun.slice(0, Math.max(0, begun.length - off));
      const one = kept + earlier.join("");
      const other = kept + later.join("");
      // Half of the time all that is shared is known to be.
      const sharedUnits = Math.max(0, unitsShared(one, other) - Math.max(0, fewer - 20));
      if (check({ earlier: one, later: other, sharedUnits })) count++;
    }),
    { seed: 20261128, numRuns: runs },
  );
  return count;
}

/** Tokens that end where others go on, and one that is a stretch of white space. */
const OVERLAPPING = [
  oddToken(330, "  "),
  oddToken(331, "<a>bcdefghij", { lstrip: true }),
  oddToken(332, "¤"),
  oddToken(333, "¤<user>¤¤¤¤"),
];
const ODD_LONGEST = oddToken(334, "<a>bcdefghijk\ufffd", { lstrip: true });
const OVERLAPPING_PARTS = [
  "¤",
  "<a>",
  "bcdef",
  "ghij",
  "k",
  "\ufffd",
  "<user>¤¤",
  "¤¤",
  "\ude00",
  "\ud83d",
  "<left",
  "<",
];

function withTokens(overrides: OddMembers, ...tokens: readonly object[]): OddMembers {
  return { ...overrides, added_tokens: [...overrides.added_tokens, ...tokens] };
}

describe("texts that begin like earlier ones", () => {
  it.each([
    ...ODD_TOKENIZERS.map(([name, overrides]) => [name, withTokens(overrides, ...OVERLAPPING)] as const),
    [
      "a long token that sees lone surrogates",
      withTokens(
        { added_tokens: [oddToken(301, "<user>"), oddToken(305, "<a>")] },
        ...OVERLAPPING,
        ODD_LONGEST,
      ),
    ] as const,
  ])("have their ids from the last cut on: %s", (_, overrides) => {
    const own = tinyTokenizer(overrides);
    const reference = tinyTokenizer(overrides);
    const parts = constantFrom(...ODD_PARTS, ...OVERLAPPING_PARTS);
    const count = countContinued(parts, 1500, (pair) => expectContinued({ own, reference }, pair));
    expect(count).toBeGreaterThan(300);
  });
});

const MODELS: readonly TestModel[] = [
  "qwen3",
  "llama2",
  "llama3_1",
  "deepseek_v3",
  "gptoss",
  "mistral_nemo",
  "gemma3",
  "smollm2",
];

describe.each(MODELS)("texts for %s that begin like earlier ones", (model) => {
  let tokenizer: Tokenizer;
  let tokens: readonly string[];
  beforeAll(() => {
    const files = readTokenizerFiles(model);
    tokenizer = createTokenizer(files);
    const { added_tokens: added } = JSON.parse(files.tokenizerJson) as {
      added_tokens: { content: string }[];
    };
    tokens = added.map(({ content }) => content);
  }, 60_000);

  it("have their ids from the last cut on", () => {
    const whole = constantFrom(...tokens);
    const parts = oneof(
      whole,
      whole,
      constantFrom(...tokens.filter((_, index) => index % 7 === 0).map((token) => token.slice(0, -2))),
      constantFrom(...ODD_PARTS, "user\n", "\n\n", "▁", "The quick brown fox. ", "don't", "e", "\u0301"),
    );
    const count = countContinued(parts, 400, (pair) =>
      expectContinued({ own: tokenizer, reference: tokenizer }, pair),
    );
    expect(count).toBeGreaterThan(100);
  });
});
