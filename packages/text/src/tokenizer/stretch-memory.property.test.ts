import { array, assert, boolean, constantFrom, integer, nat, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { createTokenizer } from "./create-tokenizer.ts";
import { StretchMemory } from "./stretch-memory.ts";
import { createNodeTextUnits } from "./text-units.cases.ts";
import { createPlainTextUnits } from "./text-units.ts";
import { ODD_PARTS, ODD_TOKENIZERS, oddToken } from "./odd-tokenizers.cases.ts";
import { tinyTokenizer, tinyTokenizerJson } from "./tiny-tokenizer.cases.ts";
import { TokenBuffer } from "./token-buffer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { wellFormed } from "./utf8.ts";

const UNITS = { plain: createPlainTextUnits, Node: createNodeTextUnits } as const;

/** Ids that no other stretch has. */
function idsOf(stretch: string, isAtStart: boolean): Int32Array {
  let hash = isAtStart ? 1 : 2;
  for (let index = 0; index < stretch.length; index++) {
    hash = (Math.imul(hash, 31) + stretch.charCodeAt(index)) | 0;
  }
  return Int32Array.from({ length: 1 + (hash & 63) }, (_, index) => hash + index);
}

/** What a memory says of a stretch, and whether it was known. It is told the ids if not. */
function recall(memory: StretchMemory, text: string, isAtStart: boolean): [Int32Array, boolean] {
  const output = new TokenBuffer();
  output.push(7);
  memory.take(text);
  memory.ask(0, text.length, isAtStart);
  const isKnown = memory.append(output);
  if (!isKnown) {
    output.pushBlock(idsOf(text, isAtStart));
    memory.keep(output, 1);
  }
  memory.trim();
  return [output.take().subarray(1), isKnown];
}

describe("a memory of stretches", () => {
  it.each(Object.entries(UNITS))(
    "never gives one the ids of another, however often its slabs are used again: %s",
    (_, createUnits) => {
      const stretch = record({
        filler: constantFrom("x", "é", "中", "\ud800", "\0"),
        length: constantFrom(120, 301, 400),
        /** Where one unit differs: mostly where nothing is looked at to find it. */
        at: nat(399),
        unit: nat(3),
        isAtStart: boolean(),
      });
      assert(
        property(array(stretch, { minLength: 20, maxLength: 200 }), (stretches) => {
          const memory = new StretchMemory(createUnits, { slab: 300, once: 2, again: 3 });
          for (const { filler, length, at, unit, isAtStart } of stretches) {
            const plain = filler.repeat(length);
            const place = at % length;
            const text = plain.slice(0, place) + String.fromCharCode(unit) + plain.slice(place + 1);
            expect(recall(memory, text, isAtStart)[0]).toEqual(idsOf(text, isAtStart));
          }
        }),
        { seed: 20261128, numRuns: 60 },
      );
    },
  );
});

/** A token that is looked for in the normalized text keeps a tokenizer from encoding what it has in memory: the other way to the same ids. */
const ELSEWHERE = oddToken(320, "<never met>", { normalized: true, special: false });

const part = constantFrom(...ODD_PARTS);
const turn = record({
  /** How much of the text before stays: all, or some of its parts. */
  keeps: integer({ min: 0, max: 100 }),
  /** A part in the middle that is taken out, if it is there. */
  strips: nat(40),
  adds: array(part, { maxLength: 5 }),
  addSpecialTokens: boolean(),
  asDraft: boolean(),
});

function encodeInTwoSteps(tokenizer: Tokenizer, text: string, addSpecialTokens: boolean): Int32Array {
  const draft = tokenizer.draft(text, addSpecialTokens);
  // Another request comes between.
  tokenizer.encode(`between <user>${"hello wo ".repeat(50)}`, false);
  return draft.complete(tokenizer.encodeStretches(draft.unknown));
}

describe("conversations that grow, are cut and edited", () => {
  it.each(ODD_TOKENIZERS)("have the ids of their texts encoded from scratch: %s", (_, overrides) => {
    const reference = { ...overrides, added_tokens: [...overrides.added_tokens, ELSEWHERE] };
    assert(
      property(
        array(part, { minLength: 4, maxLength: 30 }),
        array(turn, { maxLength: 8 }),
        (begun, turns) => {
          const tokenizer = tinyTokenizer(overrides);
          let parts = ["hello wo<user>".repeat(20), ...begun];
          for (const { keeps, strips, adds, addSpecialTokens, asDraft } of turns) {
            const kept = keeps > 60 ? parts.length : Math.floor((parts.length * keeps) / 60);
            parts = [...parts.slice(0, Math.max(1, kept)).filter((_part, at) => at !== strips), ...adds];
            const text = parts.join("");
            const expected = tinyTokenizer(reference).encode(wellFormed(text), addSpecialTokens);
            const ids = asDraft
              ? encodeInTwoSteps(tokenizer, text, addSpecialTokens)
              : tokenizer.encode(text, addSpecialTokens);
            expect(ids).toEqual(expected);
          }
        },
      ),
      { seed: 20261128, numRuns: 20 },
    );
  });

  it("keep their ids when the memory has been filled several times over", () => {
    const files = { tokenizerJson: tinyTokenizerJson() };
    const tokenizer = createTokenizer(files, { createTextUnits: createNodeTextUnits });
    const text = (number: number): string =>
      `<user>${`${number} hello world `.repeat(600)}<end>${`wo ${number} `.repeat(1500)}`;
    for (let number = 0; number < 1200; number++) {
      tokenizer.encode(text(number), false);
      tokenizer.encode(text(number % 7), false);
    }
    for (const number of [0, 6, 7, 600, 1150, 1199]) {
      expect(tokenizer.encode(text(number), false)).toEqual(tinyTokenizer().encode(text(number), false));
    }
  });
});
