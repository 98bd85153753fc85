import { describe, expect, it } from "vitest";
import { ARENA_SHAPE, StretchArena } from "./stretch-arena.ts";
import { StretchIndex } from "./stretch-index.ts";
import { StretchMemory } from "./stretch-memory.ts";
import { createNodeTextUnits } from "./text-units.cases.ts";
import { TokenBuffer } from "./token-buffer.ts";

const LONG = "a sentence of some length, said again and again. ".repeat(4);

function isKnown(memory: StretchMemory, text: string, isAtStart = false): boolean {
  memory.take(text);
  memory.ask(0, text.length, isAtStart);
  return memory.append(new TokenBuffer());
}

function keep(memory: StretchMemory, text: string, ids: readonly number[] = [1, 2, 3]): void {
  const output = new TokenBuffer();
  output.pushAll(ids);
  memory.take(text);
  memory.ask(0, text.length, false);
  memory.keep(output, 0);
}

/** A stretch of its own for each number, of 1,000 units. */
const numbered = (number: number): string => `${number} `.repeat(500).slice(0, 1000);
/** Room for ten such stretches in a slab. */
const SMALL = { slab: 5040, once: 2, again: 4 };

describe("StretchMemory", () => {
  it("knows a stretch from the first time on, and tells one that begins a text from others", () => {
    const memory = new StretchMemory(createNodeTextUnits);
    expect(isKnown(memory, LONG)).toBe(false);
    keep(memory, LONG);
    expect(isKnown(memory, LONG)).toBe(true);
    expect(isKnown(memory, `${LONG}.`)).toBe(false);
    expect(isKnown(memory, LONG, true)).toBe(false);
  });

  it("finds stretches inside a text, at odd places too", () => {
    const memory = new StretchMemory(createNodeTextUnits);
    const text = `é${LONG}中${numbered(1)}`;
    const output = new TokenBuffer();
    for (let round = 0; round < 3; round++) {
      memory.take(text);
      for (const [start, end, id] of [
        [1, 1 + LONG.length, 5],
        [2 + LONG.length, text.length, 6],
      ] as const) {
        memory.ask(start, end, false);
        const from = output.length;
        if (!memory.append(output)) {
          output.push(id);
          memory.keep(output, from);
        }
      }
    }
    expect(Array.from(output.take())).toEqual([5, 6, 5, 6, 5, 6]);
  });

  it("leaves short and very long stretches alone, and those of endless texts", () => {
    const memory = new StretchMemory(createNodeTextUnits);
    for (const text of ["short", "x".repeat(200_000)]) {
      keep(memory, text);
      expect(isKnown(memory, text)).toBe(false);
    }
    memory.take(LONG + "y".repeat(5 << 20));
    memory.ask(0, LONG.length, false);
    expect(memory.append(new TokenBuffer())).toBe(false);
  });

  it("leaves alone what has more ids than a slab has room for", () => {
    const memory = new StretchMemory(createNodeTextUnits, SMALL);
    keep(
      memory,
      LONG,
      Array.from({ length: 5000 }, () => 1),
    );
    expect(isKnown(memory, LONG)).toBe(false);
  });

  it("keeps what comes again, whatever comes once", () => {
    const memory = new StretchMemory(createNodeTextUnits, SMALL);
    keep(memory, LONG);
    expect(isKnown(memory, LONG)).toBe(true);
    for (let number = 0; number < 1000; number++) keep(memory, numbered(number));
    expect(isKnown(memory, LONG)).toBe(true);
    expect(isKnown(memory, numbered(0))).toBe(false);
    expect(isKnown(memory, numbered(999))).toBe(true);
  });

  it("forgets all of a slab when its turn comes, also what has not been written over yet", () => {
    const memory = new StretchMemory(createNodeTextUnits, SMALL);
    const numbers = Array.from({ length: 19 }, (_, number) => number);
    // Nine of a thousand units with their ids fill a slab: the nineteenth is the first one of the first slab again.
    for (const number of numbers) keep(memory, numbered(number));
    expect(numbers.filter((number) => isKnown(memory, numbered(number)))).toEqual(numbers.slice(9));
  });

  it("does not take a part of a text for the stretch that stood there", () => {
    const shape = { slab: 2000, once: 1, again: 1 };
    const memory = new StretchMemory(createNodeTextUnits, shape);
    const before = numbered(1);
    keep(memory, before);
    keep(memory, LONG);
    // The entry of LONG as it stands in memory, but with other ids, in a text that takes its slab: a header of three numbers, two units in
    // a number, then the ids. Before it are the entry of the other stretch and the header of the text's own.
    const place = 3 + before.length / 2 + 3;
    const entry = [0, 3 + LONG.length / 2 + 3, LONG.length * 2];
    const units = [
      ...entry.flatMap((number) => [number, 0]),
      ...Array.from(LONG, (unit) => unit.charCodeAt(0)),
      9,
      0,
      9,
      0,
      9,
      0,
    ];
    const text = `${"x".repeat((place - 3) * 2)}${String.fromCharCode(...units)}`.padEnd(2900, "y");
    keep(memory, text);
    expect(isKnown(memory, LONG)).toBe(false);
  });

  it("knows what comes again too late the next time as one of these", () => {
    const memory = new StretchMemory(createNodeTextUnits, SMALL);
    for (const first of [0, 100]) {
      keep(memory, LONG);
      for (let number = first; number < first + 100; number++) keep(memory, numbered(number));
      expect(isKnown(memory, LONG)).toBe(first > 0);
    }
  });

  it("forgets the oldest of what came again, and keeps what is used", () => {
    const memory = new StretchMemory(createNodeTextUnits, SMALL);
    for (let number = 0; number < 200; number++) {
      keep(memory, numbered(number));
      isKnown(memory, numbered(number));
      isKnown(memory, numbered(0));
    }
    expect(isKnown(memory, numbered(0))).toBe(true);
    expect(isKnown(memory, numbered(1))).toBe(false);
    expect(isKnown(memory, numbered(199))).toBe(true);
  });

  it("gives the memory of a long text back", () => {
    const sizes: number[] = [];
    const memory = new StretchMemory((size) => {
      sizes.push(size);
      return createNodeTextUnits(size);
    });
    keep(memory, "x".repeat(1 << 20));
    memory.trim();
    expect(sizes).toEqual([0, 2 << 20, 1 << 14]);
  });
});

describe("StretchArena", () => {
  it("has 16 MiB", () => {
    const arena = new StretchArena(() => undefined);
    expect(arena.bytes.length).toBe(16 << 20);
    expect(arena.holds(ARENA_SHAPE.slab)).toBe(true);
    expect(arena.holds(ARENA_SHAPE.slab + 1)).toBe(false);
  });

  it("never gives two entries the same numbers without saying that one is gone", () => {
    const live = new Map<number, number>();
    const arena = new StretchArena((hash, place) => {
      expect(live.delete(place)).toBe(true);
      expect(hash).toBe(place);
    }, SMALL);
    let size = 3;
    let wrong = 0;
    for (let count = 0; count < 2000; count++) {
      size = 3 + ((size * 31 + count) % 997);
      const place = arena.reserve(size, count % 3 === 0);
      for (const [other, length] of live) {
        if (place + size > other && other + length > place) wrong++;
      }
      if (place + size > arena.ints.length) wrong++;
      arena.ints[place] = place;
      arena.ints[place + 1] = size;
      live.set(place, size);
    }
    expect(wrong).toBe(0);
  });
});

describe("StretchIndex", () => {
  it("has the last place of each hash, or none", () => {
    const index = new StretchIndex();
    const places = new Map<number, number>();
    for (let number = 0; number < 200_000; number++) {
      const hash = Math.imul(number % 120_000, 0x9e3779b1) | 1;
      index.set(hash, number);
      places.set(hash, number);
      if (number % 5 === 0) {
        index.delete(hash, number - 1);
        index.delete(hash, number);
        places.delete(hash);
      }
    }
    let found = 0;
    let wrong = 0;
    for (const [hash, place] of places) {
      const answer = index.find(hash);
      if (answer === place) found++;
      else if (answer !== -1) wrong++;
    }
    expect(wrong).toBe(0);
    expect(found).toBeGreaterThan(20_000);
  });

  it("has room for hashes that all share a bucket, eight of them", () => {
    const index = new StretchIndex();
    const hashes = Array.from({ length: 100 }, (_, number) => (number << 24) | (number << 8) | 1);
    for (const [place, hash] of hashes.entries()) index.set(hash, place);
    const answers = hashes.map((hash) => index.find(hash));
    for (const [place, answer] of answers.entries()) expect([-1, place]).toContain(answer);
    expect(answers.filter((answer) => answer >= 0).length).toBeGreaterThanOrEqual(8);
  });
});
