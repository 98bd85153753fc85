import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import type { CutEncoding, Tokenizer } from "@vllm-router/text";
import { builtinRuntime } from "../../test/fake-pipeline.ts";
import { ConversationMemory, sourcesOf } from "./conversation-memory.ts";

let tokenizer: Tokenizer;

beforeAll(async () => {
  ({ tokenizer } = await builtinRuntime());
});

const message = (): Map<string, string> => new Map([["role", "user"]]);

/** A piece for a turn, as a template for chats makes it. */
const piece = (text: string): string => `<|im_start|>user\n${text}<|im_end|>\n`;
const GENERATION = "<|im_start|>assistant\n";

/** Encodes with a memory, and says how many units were encoded for it. */
function encodeWith(
  memory: ConversationMemory,
  sources: readonly unknown[],
  pieces: readonly string[],
): {
  readonly units: number;
  readonly ids: Int32Array;
  readonly earlier: Int32Array | undefined;
  readonly shared: number;
} {
  let units = 0;
  const { tokenIds, recurring } = memory.encode({ sources, pieces }, tokenizer, (text): CutEncoding => {
    units = text.length;
    return tokenizer.encodeWithCuts(text);
  });
  return { units, ids: tokenIds, ...recurring };
}

describe("ConversationMemory", () => {
  it("encodes of a longer turn what is new, and says what the two share", () => {
    const memory = new ConversationMemory();
    const messages = [message(), message(), message()];
    const texts = ["a long beginning ".repeat(50), "an answer ".repeat(50), "and on"].map(piece);
    const first = encodeWith(memory, messages.slice(0, 1), [texts[0]!, GENERATION]);
    const second = encodeWith(memory, messages, [...texts, GENERATION]);
    expect(first.earlier).toBeUndefined();
    expect(second.earlier).toBe(first.ids);
    expect(second.ids.subarray(0, second.shared)).toEqual(first.ids.subarray(0, second.shared));
    expect(second.shared).toBeGreaterThan(100);
    // From the token that ends the first message on.
    expect(second.units).toBe(`<|im_end|>\n${texts[1]!}${texts[2]!}${GENERATION}`.length);
    expect(second.ids).toEqual(tokenizer.encode([...texts, GENERATION].join(""), false));
  });

  it("knows a turn again that was followed by a longer one", () => {
    const memory = new ConversationMemory();
    const messages = [message(), message(), message()];
    const texts = ["a ".repeat(500), "b ".repeat(500), "c ".repeat(500)].map(piece);
    const early = [texts[0]!, GENERATION];
    encodeWith(memory, messages.slice(0, 1), early);
    const whole = encodeWith(memory, messages, texts);
    const again = encodeWith(memory, messages.slice(0, 1), early);
    expect(again.earlier).toBe(whole.ids);
    expect(again.units).toBe(`<|im_end|>\n${GENERATION}`.length);
    expect(again.ids).toEqual(tokenizer.encode(early.join(""), false));
  });

  it("has nothing for other objects, other tokenizers and other texts", async () => {
    const memory = new ConversationMemory();
    const messages = [message()];
    const pieces = [piece("a ".repeat(500))];
    encodeWith(memory, messages, pieces);
    expect(encodeWith(memory, [message()], pieces).earlier).toBeUndefined();
    expect(encodeWith(memory, messages, ["other "]).earlier).toBeUndefined();
    const other = { ...tokenizer };
    const { recurring } = memory.encode({ sources: messages, pieces }, other, (text) =>
      other.encodeWithCuts(text),
    );
    expect(recurring).toEqual({ earlier: undefined, shared: 0 });
  });

  it("forgets nothing and remembers nothing when encoding fails", () => {
    const memory = new ConversationMemory();
    const messages = [message(), message()];
    const pieces = [piece("a ".repeat(500)), piece("b ".repeat(500))];
    const first = encodeWith(memory, messages.slice(0, 1), [pieces[0]!, GENERATION]);
    const fail = (): never => {
      throw new RangeError("no");
    };
    expect(() => memory.encode({ sources: messages, pieces }, tokenizer, fail)).toThrow("no");
    expect(encodeWith(memory, messages, pieces).earlier).toBe(first.ids);
  });

  it("gives what encoding the whole text gives, however conversations grow, branch and change", () => {
    const turn = fc.record({
      kept: fc.nat(8),
      added: fc.array(fc.constantFrom("a b c", "<|im_end|>", "<|im_", "é漢😀", "\n\n  x", ""), {
        maxLength: 3,
      }),
      closes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 10 }), (turns) => {
        const memory = new ConversationMemory();
        let sources: Map<string, string>[] = [];
        let texts: string[] = [];
        for (const { kept, added, closes } of turns) {
          sources = [...sources.slice(0, kept), ...added.map(message)];
          texts = [...texts.slice(0, kept), ...added.map(piece)];
          const pieces = closes ? [...texts, GENERATION] : texts;
          expect(encodeWith(memory, sources, pieces).ids).toEqual(tokenizer.encode(pieces.join(""), false));
        }
      }),
    );
  });
});

describe("sourcesOf()", () => {
  it("finds the messages of a body by either name", () => {
    const list = [message()];
    expect(sourcesOf(new Map([["messages", list]]))).toBe(list);
    expect(sourcesOf(new Map([["input", list]]))).toBe(list);
    for (const body of [new Map([["input", "text"]]), new Map(), null, 3]) {
      expect(sourcesOf(body)).toEqual([]);
    }
  });
});
