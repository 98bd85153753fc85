import { describe, expect, it } from "vitest";
import { PromptMemory } from "./prompt-memory.ts";
import { TextCuts } from "./text-cuts.ts";
import { TokenBuffer } from "./token-buffer.ts";

/** A text of turns, with a cut behind each. */
function conversation(name: string, turns: number, unitsEach = 1000): { text: string; cuts: TextCuts } {
  const cuts = new TextCuts();
  let text = "";
  for (let turn = 0; turn < turns; turn++) {
    text += `${name} says ${turn}: `.padEnd(unitsEach, `${name}${turn} `);
    cuts.add(text.length, turn + 1);
  }
  return { text, cuts };
}

/** Remembers a text of which nothing is known, with an id a turn. */
function remember(memory: PromptMemory, { text, cuts }: ReturnType<typeof conversation>): void {
  const known = memory.find(text);
  const ids = new TokenBuffer();
  for (let id = 0; id < 3100; id++) ids.push(id);
  const news = new TextCuts();
  for (let cut = 0; cut < cuts.count; cut++) {
    if (cuts.unitsAt(cut) > (known?.units ?? 0)) news.add(cuts.unitsAt(cut), cuts.idsAt(cut));
  }
  memory.remember(text, { ids, firstId: 0, cuts: news, known });
}

describe("PromptMemory", () => {
  it("finds a conversation that goes on, up to its last cut", () => {
    const memory = new PromptMemory();
    const begun = conversation("a", 33);
    expect(memory.find(begun.text)).toBeUndefined();
    remember(memory, begun);
    const found = memory.find(`${begun.text}more`);
    expect([found?.units, found?.whole, found?.cut]).toEqual([33_000, 1, -1]);
    expect(found?.pieces.map(({ ids }) => ids)).toEqual([Int32Array.from({ length: 33 }, (_, id) => id)]);
  });

  it("finds what two texts have in common, wherever they part", () => {
    const memory = new PromptMemory();
    const { text, cuts } = conversation("a", 40);
    remember(memory, { text, cuts });
    for (let at = 1025; at < text.length; at += 777) {
      const other = `${text.slice(0, at)}#${text.slice(at + 1)}`;
      // The last sample may be where they part: then a shorter beginning finds it.
      expect(memory.find(other)?.units).toBe(Math.floor(at / 1000) * 1000);
    }
  });

  it("keeps one text of a conversation: the one that has all of the others", () => {
    const memory = new PromptMemory();
    const early = conversation("early", 20);
    remember(memory, early);
    const grown = conversation("grown", 10);
    for (let turn = 0; turn < 3000; turn++) {
      grown.text += "and so on. ";
      grown.cuts.add(grown.text.length, 10 + turn);
      remember(memory, grown);
    }
    expect(memory.find(`${grown.text}x`)?.units).toBe(grown.text.length);
    expect(memory.find(early.text)?.units).toBe(20_000);
  });

  it("forgets the oldest when all of them are too large", () => {
    const memory = new PromptMemory();
    for (let number = 0; number < 40; number++) remember(memory, conversation(`<${number}>`, 10, 50_000));
    const isFound = (number: number): boolean =>
      memory.find(conversation(`<${number}>`, 10, 50_000).text) !== undefined;
    expect([0, 23, 24, 39].map((number) => isFound(number))).toEqual([false, false, true, true]);
  });

  it("forgets the oldest when very many others have come", () => {
    const memory = new PromptMemory();
    const early = conversation("early", 10);
    remember(memory, early);
    const grown = conversation("grown", 5);
    for (let turn = 0; turn < 8192; turn++) remember(memory, grown);
    expect(memory.find(early.text)).toBeUndefined();
    expect(memory.find(grown.text)?.units).toBe(5000);
  });

  it("leaves short and very long texts alone, and ones without a cut", () => {
    const memory = new PromptMemory();
    const uncut = { text: "a ".repeat(5000), cuts: new TextCuts() };
    for (const each of [conversation("s", 4), conversation("l", 1100), uncut]) {
      remember(memory, each);
      expect(memory.find(each.text)).toBeUndefined();
    }
  });
});

describe("TextCuts", () => {
  it("thins out what is far back where there are very many", () => {
    const cuts = new TextCuts();
    for (let cut = 1; cut <= 50_000; cut++) cuts.add(cut * 10, cut);
    const units = Array.from({ length: cuts.count }, (_, cut) => cuts.unitsAt(cut));
    expect(units.length).toBeLessThanOrEqual(4096);
    expect(units.slice(-1000)).toEqual(Array.from({ length: 1000 }, (_, index) => (49_001 + index) * 10));
    expect(units).toEqual([...new Set(units)].sort((left, right) => left - right));
    expect(units.map((_, cut) => cuts.idsAt(cut) * 10)).toEqual(units);
  });
});
