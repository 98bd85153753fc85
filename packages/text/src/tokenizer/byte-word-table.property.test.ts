import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteText } from "./byte-text.ts";
import { ByteWordTable, LONGEST_WORD, NO_RUN, RECENT_RUN } from "./byte-word-table.ts";
import { createCaseRunScanner } from "./scan/case-run-scanner.ts";
import { deepseekScanner } from "./scan/deepseek-scanner.ts";
import { createGpt2Scanner } from "./scan/gpt2-scanner.ts";
import { createLetterRunScanner } from "./scan/letter-run-scanner.ts";
import { createPlainTextUnits } from "./text-units.ts";
import { TokenBuffer } from "./token-buffer.ts";

const ids = fc.array(fc.nat(200_000), { maxLength: 6 }).map((list) => Int32Array.from(list));
/** Words that differ in little: in length, in zero bytes, in one byte at either end. */
const word = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: LONGEST_WORD }),
    fc
      .tuple(fc.nat(LONGEST_WORD - 1), fc.nat(2))
      .map(([zeros, last]) => new Uint8Array([...new Uint8Array(zeros), last])),
    fc
      .tuple(fc.nat(2), fc.nat(LONGEST_WORD - 1))
      .map(([first, zeros]) => new Uint8Array([first, ...new Uint8Array(zeros)])),
  )
  .map((bytes) => ({ bytes, key: bytes.join() }));

function viewOf(bytes: Uint8Array): DataView {
  // What stands around a word must not matter.
  const padded = new Uint8Array(bytes.length + 32).fill(0xa5);
  padded.set(bytes, 7);
  return new DataView(padded.buffer, 7);
}

function found(table: ByteWordTable, bytes: Uint8Array): number[] | undefined {
  const place = table.find(viewOf(bytes), 0, bytes.length);
  if (place < 0) return undefined;
  const output = new TokenBuffer();
  table.appendIds(place, output);
  return Array.from(output.take());
}

describe("ByteWordTable", () => {
  it("knows what was added and nothing else", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, ids), { maxLength: 60 }),
        fc.array(word, { maxLength: 20 }),
        (added, asked) => {
          const table = new ByteWordTable();
          const model = new Map<string, number[]>();
          for (const [{ bytes, key }, list] of added) {
            if (model.has(key)) continue;
            table.add(viewOf(bytes), { start: 0, length: bytes.length, count: list.length }, list);
            model.set(key, Array.from(list));
          }
          for (const [{ bytes, key }] of added) expect(found(table, bytes)).toEqual(model.get(key));
          for (const { bytes, key } of asked) expect(found(table, bytes)).toEqual(model.get(key));
          expect(table.size).toBe(model.size);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("never gives one word the ids of another, however many there are, and stays within its bounds", () => {
    const table = new ByteWordTable();
    const text = new ByteText();
    let wrong = 0;
    let known = 0;
    for (let index = 0; index < 200_000; index++) {
      const length = text.set(`w${index % 3 === 0 ? "ord that is longer than its slot " : ""}${index}`);
      const list = Int32Array.from({ length: 1 + (index % 5) }, (_, at) => index + at);
      table.add(text.view, { start: 0, length, count: list.length }, list);
      if (table.size > 98_304) wrong++;
    }
    for (let index = 0; index < 200_000; index++) {
      const length = text.set(`w${index % 3 === 0 ? "ord that is longer than its slot " : ""}${index}`);
      const place = table.find(text.view, 0, length);
      if (place < 0) continue;
      known++;
      const output = new TokenBuffer();
      table.appendIds(place, output);
      const got = output.take();
      if (got.length !== 1 + (index % 5) || got[0] !== index || got.at(-1) !== index + (index % 5)) wrong++;
    }
    expect(wrong).toBe(0);
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThanOrEqual(98_304);
  });
});

describe("ByteWordTable.findRun", () => {
  const gpt2 = createGpt2Scanner({ digits: false });
  const letterRun = createLetterRunScanner({ digits: 3, marks: true });
  const caseRun = createCaseRunScanner({ digits: 3, contractions: true });
  const caseRunAlone = createCaseRunScanner({ digits: 1, contractions: false });
  const letters = fc.stringMatching(/^ ?[A-Za-z]{0,18}$/);
  const behind = fc.constantFrom("", " ", ".", "'s", "é", "0", "A", "z", "\0");

  it.each([
    ["letters", [gpt2, letterRun, deepseekScanner], false],
    ["letters with cases", [caseRun, caseRunAlone], true],
  ] as const)("sees the same words as the scanners, or leaves them alone: %s", (_, scanners, isCased) => {
    const text = new ByteText();
    for (const scanner of scanners) expect(scanner.isCased === true).toBe(isCased);
    fc.assert(
      fc.property(fc.constantFrom("", "before "), letters, behind, (before, word, after) => {
        const end = text.set(before + word + after);
        const start = before.length;
        const table = new ByteWordTable();
        if (word === "" || table.findRun(text.view, start, isCased) === NO_RUN) return;
        const length = table.runLength;
        for (const scanner of scanners) expect(scanner(text.bytes, start, end) - start).toBe(length);
        table.add(text.view, { start, length, count: 1 }, Int32Array.of(end, 7));
        const output = new TokenBuffer();
        table.appendIds(table.find(text.view, start, length), output);
        table.appendIds(table.findRun(text.view, start, isCased), output);
        // Met again, a short one is close at hand.
        const isRecent = table.findRun(text.view, start, isCased) === RECENT_RUN;
        expect([isRecent, table.runLength]).toEqual([length <= 12, length]);
        output.push(isRecent ? table.runId : end);
        expect(output.take()).toEqual(Int32Array.of(end, end, end));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["hello world", 0, 5, 5],
    ["hello world", 5, 6, 6],
    [" Hello, a", 0, 6, 6],
    ["helloWorld ", 0, 10, 5],
    ["HELLO ", 0, 5, -1],
    [" a", 0, 2, -1],
    ["it's ", 0, 2, -1],
    ["don't ", 0, 3, -1],
    [" \u0130x", 0, -1, -1],
    ["caf\u00e9", 0, -1, -1],
    ["  x", 0, -1, -1],
    ["fifteenlettersx.", 0, 15, 15],
    ["sixteenlettersxx.", 0, -1, -1],
  ])("of %j at %i takes %i bytes, with cases %i", (source, start, ...lengths) => {
    const text = new ByteText();
    text.set(source);
    const taken = [false, true].map((isCased) => {
      const table = new ByteWordTable();
      return table.findRun(text.view, start, isCased) === NO_RUN ? -1 : table.runLength;
    });
    expect(taken).toEqual(lengths);
  });
});

describe("ByteText", () => {
  it("is the UTF-8 of its text, short or long, one after the other", () => {
    const text = new ByteText();
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: "binary", maxLength: 200 }), fc.string({ maxLength: 60 })),
        (source) => {
          const length = text.set(source.repeat(1 + (source.length % 40)));
          const expected = new TextEncoder().encode(source.repeat(1 + (source.length % 40)));
          expect(Buffer.from(text.bytes.subarray(0, length)).equals(expected)).toBe(true);
          // Readable beyond its end.
          text.view.getInt32(length + 12, true);
          text.trim();
        },
      ),
      { numRuns: 100 },
    );
    expect(text.set("é".repeat(1 << 20))).toBe(1 << 21);
    text.trim();
    expect(text.bytes.length).toBeLessThan(1 << 20);
  });

  it("is the UTF-8 of units in memory, wherever they begin and end", () => {
    const text = new ByteText();
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("plain ASCII text, ", "é", "ʸ", "中", "😀", "\ud83d", "\ude00", "\0", "x"), {
          maxLength: 30,
        }),
        fc.nat(40),
        fc.nat(40),
        (parts, start, cut) => {
          const source = parts.join("");
          const units = createPlainTextUnits(source.length * 2);
          units.write(source);
          const view = new DataView(units.bytes.buffer);
          const end = Math.max(start, source.length - cut);
          if (start > source.length) return;
          const length = text.setUnits({ view, start, end }, () => false);
          const expected = new TextEncoder().encode(source.slice(start, end));
          expect(Buffer.from(text.bytes.subarray(0, length)).equals(expected)).toBe(true);
          expect(text.bytes[length]).toBe(0);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("takes no units with a character that is refused", () => {
    const text = new ByteText();
    const source = "some text with e\u0301 in it";
    const units = createPlainTextUnits(source.length * 2);
    units.write(source);
    const range = { view: new DataView(units.bytes.buffer), start: 0, end: source.length };
    expect(text.setUnits(range, (code) => code === 0x301)).toBe(-1);
    expect(text.setUnits(range, (code) => code === 0x302)).toBe(source.length + 1);
  });
});
