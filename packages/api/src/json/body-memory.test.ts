import { describe, expect, it } from "vitest";
import { BodyMemory } from "./body-memory.ts";
import { parseJsonBytes } from "./decode-bytes.ts";
import { isJsonArray, isJsonObject, type JsonValue } from "./json-value.ts";

let compared = 0;
const equals = (left: Uint8Array, right: Uint8Array): boolean => {
  compared += left.length;
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
};
const newMemory = (mostBytes = 2 ** 24): BodyMemory => new BodyMemory({ equals, mostBytes });
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const message = (content: string): string => JSON.stringify({ role: "user", content });
const long = message("Be kind. ".repeat(1200));

function list(value: JsonValue): readonly JsonValue[] {
  const messages = isJsonObject(value) ? value.get("messages") : undefined;
  if (!isJsonArray(messages)) throw new Error("No messages");
  return messages;
}

/** The value, or the error. */
function outcome(parse: () => JsonValue): unknown {
  try {
    return parse();
  } catch (error) {
    return error;
  }
}

describe("BodyMemory", () => {
  it.each([
    ["of two members the last counts", `{"messages":["a"],"messages":[${long}],"x":1}`],
    ["also behind", `{"messages":[${long}],"x":1,"messages":["b"]}`],
    ["also with an escape in its name", `{"messages":[${long}],"mess\\u0061ges":["b"]}`],
    ["inside of others", `{"tools":{"messages":[${long}]}}`],
    ["no array", `{"messages":${long}}`],
    ["numbers", `{"messages":[${long},1,2]}`],
    ["numbers with space", `{"messages":[${long},12 , 34 ]}`],
    ["empty", `{"messages":[ ],"x":${long}}`],
    ["no object", `[${long}]`],
    ["a text behind it", `{"messages":[${long}]} {`],
    ["a comma too many", `{"messages":[${long},]}`],
    ["a comma too few", `{"messages":[${long} ${long}]}`],
    ["a comma at first", `{"messages":[,${long}]}`],
    ["no end", `{"messages":[${long}`],
    ["a bad word in an element", `{"messages":[${long},{"a":nul}]}`],
    ["a bad word behind", `{"messages":[${long}],"a":nul}`],
    ["a control character", `{"messages":[${long},"\n"]}`],
    ["a control character behind", `{"messages":[${long}],"a":"\n"}`],
    ["an integer too long", `{"messages":[${long},[${"1".repeat(4301)}]]}`],
    ["a byte order mark", `\ufeff{"messages":[${long}]}`],
    ["a byte order mark inside", `{"messages":[${long},\ufeff{}]}`],
    ["NUL as second byte", `{\0"messages":[${long}]}`],
    ["NUL as second byte of an element", `{"messages":[${long},{\0}]}`],
    ["a half of a pair", `{"messages":[${long},"\\ud800"]}`],
  ])("parses and refuses as without it: %s", (_, text) => {
    const memory = newMemory();
    const bytes = utf8(text);
    for (const earlier of [[], [`{"messages":[${long}]}`, `{"messages":[${long},1 ]}`], [text]]) {
      for (const body of earlier) outcome(() => memory.parse(utf8(body)));
      expect(outcome(() => memory.parse(bytes.slice()))).toEqual(outcome(() => parseJsonBytes(bytes)));
    }
  });

  it("takes UTF-8 of halves of pairs, and refuses other bytes, as without it", () => {
    for (const wedge of [[0xed, 0xa0, 0x80], [0xff], [0xc3]]) {
      const bytes = Uint8Array.from([...utf8(`{"messages":[${long},"`), ...wedge, ...utf8('"]}')]);
      const memory = newMemory();
      expect(outcome(() => memory.parse(bytes.slice()))).toEqual(outcome(() => parseJsonBytes(bytes)));
    }
  });

  it("nests as deep as without it, not deeper", () => {
    for (const [depth, isFine] of [
      [948, true],
      [949, false],
    ] as const) {
      const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      for (const body of [`{"messages":[${long},${deep}]}`, `{"messages":[${long}],"x":[${deep}]}`]) {
        const whole = outcome(() => parseJsonBytes(utf8(body)));
        expect(whole instanceof Map).toBe(isFine);
        expect(outcome(() => newMemory().parse(utf8(body)))).toEqual(whole);
      }
    }
  });

  it("gives everybody an object of their own, with the values of the others", () => {
    const memory = newMemory();
    const bytes = utf8(`{"tools":[{"a":{}}],"messages":[${long}],"seed":1}`);
    const first = memory.parse(bytes) as Map<string, JsonValue>;
    const second = memory.parse(bytes.slice()) as Map<string, JsonValue>;
    first.set("seed", 2).delete("messages");
    expect(second).toEqual(parseJsonBytes(bytes));
    expect(second.get("tools")).toBe(first.get("tools"));
    expect(memory.parse(bytes.slice())).toEqual(second);
  });

  it("reads what is behind the array anew where it differs", () => {
    const memory = newMemory();
    const first = list(memory.parse(utf8(`{"messages":[${long}],"seed":1}`)));
    const second = memory.parse(utf8(`{"messages":[${long}],"seed":2}`));
    expect(isJsonObject(second) ? second.get("seed") : undefined).toBe(2);
    expect(list(second)[0]).toBe(first[0]);
  });

  it("remembers nothing short, nothing that is more than a quarter of its memory", () => {
    const memory = newMemory(200_000);
    memory.parse(utf8(`{"messages":[${message("short")}]}`));
    memory.parse(utf8(`{"messages":[${message("short")}],"tools":${long}}`));
    memory.parse(utf8(`{"messages":[${message("x".repeat(20_000))}]}`));
    expect(memory.size).toBe(0);
    expect(memory.bytes).toBe(0);
    memory.parse(utf8(`{"messages":[${message("x".repeat(12_000))}]}`));
    expect(memory.size).toBe(1);
    // Many small values take far more memory than their text.
    const small = newMemory(1_000_000);
    small.parse(utf8(`{"messages":[[${"{},".repeat(4000)}{}]]}`));
    expect(small.size).toBe(0);
  });

  it("lets the least recently used go", () => {
    const memory = newMemory(150_000);
    const body = (who: string): Uint8Array => utf8(`{"messages":[${message(who.repeat(9000))}]}`);
    const [a, b] = ["a", "b"].map((who) => list(memory.parse(body(who)))[0]);
    for (const who of ["c", "d"]) memory.parse(body(who));
    expect(list(memory.parse(body("a")))[0]).toBe(a);
    for (const who of ["e", "f"]) memory.parse(body(who));
    expect(list(memory.parse(body("a")))[0]).toBe(a);
    expect(list(memory.parse(body("b")))[0]).not.toBe(b);
  });

  it("keeps no memory that is much larger than the body", () => {
    const memory = newMemory();
    const text = utf8(`{"messages":[${long}]}`);
    const slab = new Uint8Array(text.length * 2);
    slab.set(text, 100);
    const first = list(memory.parse(slab.subarray(100, 100 + text.length)));
    // A slab is used again for others: only a copy is still the body.
    slab.fill(0);
    expect(list(memory.parse(text))[0]).toBe(first[0]);
  });

  it("compares little, however many bodies look alike", () => {
    const memory = newMemory();
    // The longest first: each keeps the beginnings that are longer than those of the next.
    const bodies = Array.from({ length: 30 }, (_, index) => {
      const content = `${"x".repeat(3000 + index)}y${"x".repeat(100_000 - 3000 * index)}`;
      return utf8(`{"messages":[${message(content)},${message("z")}]}`);
    });
    for (const bytes of bodies) memory.parse(bytes);
    expect(memory.size).toBeGreaterThan(10);
    compared = 0;
    const bytes = utf8(`{"messages":[${message("x".repeat(110_000))}]}`);
    expect(memory.parse(bytes)).toEqual(parseJsonBytes(bytes));
    expect(compared).toBeGreaterThan(0);
    expect(compared).toBeLessThanOrEqual(8 * bytes.length);
  });
});
