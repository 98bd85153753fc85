import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyMemory } from "./body-memory.ts";
import { parseJsonBytes } from "./decode-bytes.ts";
import { JsonError } from "./json-error.ts";
import { isJsonArray, isJsonObject, type JsonValue } from "./json-value.ts";

const equals = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, index) => byte === right[index]);
const decodeAscii = (bytes: Uint8Array, start: number, end: number): string =>
  String.fromCharCode(...bytes.subarray(start, end));

const memories = (): BodyMemory[] => [
  new BodyMemory({ equals, mostBytes: 2 ** 24 }),
  new BodyMemory({ equals, mostBytes: 2 ** 24, decodeAscii }),
];

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A value, or what was thrown with all that it says. */
function outcome(parse: () => JsonValue): unknown {
  try {
    const value = parse();
    // The order of the keys is of importance, and toEqual does not look at it.
    return { value, keys: isJsonObject(value) ? [...value.keys()] : undefined };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return { message: error.message, code: error.code, position: error.position };
  }
}

/** What a memory makes of some bodies one after the other, and what is made of them without. */
function outcomes(memory: BodyMemory, bodies: readonly Uint8Array[]): readonly [unknown[], unknown[]] {
  return [
    bodies.map((bytes) => outcome(() => memory.parse(bytes.slice()))),
    bodies.map((bytes) => outcome(() => parseJsonBytes(bytes))),
  ];
}

const rawNumbers = fc.constantFrom("1", "-0", "1.0", "1e999", "NaN", "-Infinity", "12345678901234567890");
const jsonTexts = fc.oneof(
  fc.jsonValue({ stringUnit: "binary", maxDepth: 3 }).map((value) => JSON.stringify(value)),
  rawNumbers,
  fc.constantFrom('"\\ud800"', '"\\u0041\\n\\""', '{"messages":[1]}', '"]},{[\\\\"', '[{"a":[]},[[]]]'),
);
const spaces = fc.constantFrom("", "", " ", "\n\t ");
const names = fc.constantFrom("model", "tools", "a b", "m\\u0065ssages", "狐", "messages", "2", "1");

/** Elements; most are objects, as messages are. */
const elements = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(jsonTexts, spaces, fc.string({ unit: "binary", maxLength: 300 }), fc.nat(1200))
      .map(
        ([value, space, text, length]) =>
          `{"role":${space}"user"${space},"content":${JSON.stringify(text + "x".repeat(length))},"v":${value}${space}}`,
      ),
  },
  { weight: 1, arbitrary: jsonTexts },
);

/** What is around the array, in JSON text: `$` is in the array's place. */
const frames = fc
  .tuple(
    fc.array(fc.tuple(names, jsonTexts), { maxLength: 3 }),
    fc.array(fc.tuple(names, jsonTexts), { maxLength: 2 }),
    spaces,
  )
  .map(([before, after, space]) => {
    const member = ([name, value]: readonly [string, string]): string => `"${name}":${space}${value}`;
    return [
      `{${space}${[...before.map(member), `"messages"${space}:${space}[${space}`].join(`${space},`)}`,
      `${space}]${[``, ...after.map(member)].join(`${space},${space}`)}${space}}${space}`,
    ] as const;
  });

function bodyText(frame: readonly [string, string], messages: readonly string[]): Uint8Array {
  return utf8(`${frame[0]}${messages.join(" ,")}${frame[1]}`);
}

const long = `{"role":"system","content":"${"Be kind. ".repeat(1000)}"}`;
const conversations = fc
  .tuple(frames, fc.array(elements, { maxLength: 8 }), fc.boolean())
  .map(([frame, messages, isLongAtFirst]) => ({
    frame,
    messages: isLongAtFirst ? [long, ...messages] : [...messages, long, ...messages],
  }));

describe("BodyMemory", () => {
  it("parses as without memory, whatever it saw before", () => {
    fc.assert(
      fc.property(conversations, conversations, fc.array(fc.nat()), (first, second, cuts) => {
        const bodies = [
          bodyText(first.frame, first.messages),
          bodyText(first.frame, [...first.messages, ...second.messages]),
          ...cuts.map((cut) => {
            const kept = first.messages.slice(0, cut % (first.messages.length + 1));
            return bodyText(first.frame, [...kept, ...second.messages]);
          }),
          bodyText(second.frame, first.messages),
          bodyText(first.frame, first.messages),
        ];
        for (const memory of memories()) {
          const [given, wanted] = outcomes(memory, bodies);
          expect(given).toEqual(wanted);
        }
      }),
      { numRuns: 150 },
    );
  });

  it("parses as without memory after any damage, and goes on to", () => {
    const damage = fc.tuple(fc.nat(), fc.nat(3), fc.uint8Array({ maxLength: 3 }), fc.boolean());
    fc.assert(
      fc.property(
        conversations,
        fc.array(damage, { minLength: 1, maxLength: 6 }),
        (conversation, damages) => {
          const whole = bodyText(conversation.frame, conversation.messages);
          const bodies = damages.flatMap(([place, length, wedge, isTruncated]) => {
            const at = place % (whole.length + 1);
            const after = isTruncated ? [] : whole.subarray(at + length);
            return [whole, Uint8Array.from([...whole.subarray(0, at), ...wedge, ...after])];
          });
          for (const memory of memories()) {
            const [given, wanted] = outcomes(memory, [...bodies, whole]);
            expect(given).toEqual(wanted);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it("shares all that another body began with, and nothing from the first difference on", () => {
    const messages = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 600 }), {
      minLength: 2,
      maxLength: 12,
    });
    fc.assert(
      fc.property(messages, messages, fc.nat(), (contents, more, place) => {
        const [memory] = memories() as [BodyMemory];
        const texts = [long, ...contents.map((content) => JSON.stringify({ role: "user", content }))];
        const frame = ['{"model":"m","messages":[', '],"stream":true}'] as const;
        const first = list(memory.parse(bodyText(frame, texts)));
        const grownTexts = [...texts, ...more.map((content) => JSON.stringify({ role: "user", content }))];
        const grown = list(memory.parse(bodyText([frame[0], '],"n":1}'], grownTexts)));
        expect(first.every((element, index) => element === grown[index])).toBe(true);
        expect(grown).toHaveLength(grownTexts.length);
        expect(memory.size).toBe(1);
        const changed = 1 + (place % contents.length);
        const other = grownTexts.with(changed, '{"role":"user","content":"something else"}');
        const branch = list(memory.parse(bodyText(frame, other)));
        branch.forEach((element, index) => expect(element === grown[index]).toBe(index < changed));
      }),
      { numRuns: 150 },
    );
  });

  it("never takes more memory than it may, and lets the least recently used go", () => {
    const sizes = fc.array(fc.tuple(fc.nat(9), fc.integer({ min: 1, max: 60 })), { maxLength: 60 });
    fc.assert(
      fc.property(sizes, (steps) => {
        const mostBytes = 400_000;
        const memory = new BodyMemory({ equals, mostBytes, decodeAscii });
        for (const [who, count] of steps) {
          const messages = Array.from(
            { length: count },
            (_, index) => `{"c":"${who}.${index}${"y".repeat(900)}"}`,
          );
          const [given, wanted] = outcomes(memory, [
            utf8(`{"user":${who},"messages":[${messages.join(",")}]}`),
          ]);
          expect(given).toEqual(wanted);
          expect(memory.bytes).toBeLessThanOrEqual(mostBytes);
          expect(memory.bytes > 0).toBe(memory.size > 0);
        }
      }),
      { numRuns: 30 },
    );
  });
});

function list(value: JsonValue): readonly JsonValue[] {
  const messages = isJsonObject(value) ? value.get("messages") : undefined;
  if (!isJsonArray(messages)) throw new Error("No messages");
  return messages;
}
