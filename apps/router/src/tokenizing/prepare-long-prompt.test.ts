import { createTokenizer, type CutEncoding } from "@vllm-router/text";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime } from "../../test/fake-pipeline.ts";
import { fileText } from "../models/model-files.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { LongTexts } from "./long-texts.ts";
import { prepareLongPrompt, type Waiting } from "./prepare-long-prompt.ts";

let model: ModelRuntime;

beforeAll(async () => {
  model = await builtinRuntime();
});

const wait: Waiting = (begin) =>
  new Promise((resolve) => {
    begin((value) => resolve({ value }));
  });

/** Encodes with the model's own tokenizer, and keeps what it was asked. */
function elsewhere(how: "encodes" | "refuses" = "encodes"): LongTexts & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    mostUnits: 20,
    encode: ({ tokenizer }, stretches, done) => {
      asked.push(stretches.map(({ text }) => text).join("|"));
      queueMicrotask(() => done(how === "refuses" ? undefined : tokenizer.encodeStretches(stretches)));
      return () => undefined;
    },
  };
}

const LONG = "A text that is longer than twenty characters";

describe("prepareLongPrompt()", () => {
  for (const how of ["encodes", "refuses"] as const) {
    it(`gives the same ids when the other side ${how}`, async () => {
      const longTexts = elsewhere(how);
      const texts = ["short", LONG, `${LONG} again`];
      const prepare = ({ tokenizer }: ModelRuntime): readonly Int32Array[] =>
        texts.map((text) => tokenizer.encode(text, true));
      expect(await prepareLongPrompt(model, prepare, { longTexts, wait })).toEqual(prepare(model));
      expect(longTexts.asked).toEqual([LONG, `${LONG} again`]);
    });
  }

  for (const how of ["encodes", "refuses"] as const) {
    it(`gives the same ids and cuts when the other side ${how}, and asks once for a text however it is encoded`, async () => {
      const longTexts = elsewhere(how);
      const texts = [
        "short",
        `<|im_start|>user\n${how} ${LONG}<|im_end|>\n<|im_start|>assistant\n`,
        `${how} ${LONG}<|im_end|>`,
      ];
      const cut = ({ tokenizer }: ModelRuntime): readonly CutEncoding[] =>
        texts.map((text) => tokenizer.encodeWithCuts(text));
      const every = (own: ModelRuntime): unknown => [
        texts.map((text) => own.tokenizer.encode(text, false)),
        cut(own),
        texts.map((text) => own.tokenizer.encode(text, true)),
      ];
      expect(cut(model).map(({ cuts }) => cuts.length)).toEqual([0, 4, 2]);
      expect(await prepareLongPrompt(model, cut, { longTexts, wait })).toEqual(cut(model));
      expect(longTexts.asked).toHaveLength(2);
      expect(await prepareLongPrompt(model, every, { longTexts, wait })).toEqual(every(model));
      expect(longTexts.asked).toHaveLength(4);
    });
  }

  it("adds the special tokens that the model's files name", async () => {
    const longTexts = elsewhere();
    const tokenizerJson = JSON.stringify({
      ...(JSON.parse(fileText(model.tokenizerFiles ?? new Map(), "tokenizer.json") ?? "{}") as object),
      post_processor: {
        type: "TemplateProcessing",
        single: [
          { SpecialToken: { id: "<a>", type_id: 0 } },
          { Sequence: { id: "A", type_id: 0 } },
          { SpecialToken: { id: "<z>", type_id: 0 } },
        ],
        special_tokens: {
          "<a>": { id: "<a>", ids: [3, 4], tokens: ["<a>", "<b>"] },
          "<z>": { id: "<z>", ids: [5], tokens: ["<z>"] },
        },
      },
    });
    const own = { ...model, tokenizer: createTokenizer({ tokenizerJson }) };
    const prepare = ({ tokenizer }: ModelRuntime): readonly Int32Array[] =>
      [true, false].map((addSpecialTokens) => tokenizer.encode(LONG, addSpecialTokens));
    const [framed, bare] = prepare(own);
    expect(framed?.join()).toBe(`3,4,${bare?.join() ?? ""},5`);
    expect(await prepareLongPrompt(own, prepare, { longTexts, wait })).toEqual([framed, bare]);
    expect(longTexts.asked).toEqual([LONG]);
  });

  it("does not ask for what is known", async () => {
    const longTexts = elsewhere();
    const text = "A stretch that comes again ".repeat(8);
    const prepare = ({ tokenizer }: ModelRuntime): Int32Array => tokenizer.encode(text, false);
    for (let round = 0; round < 3; round += 1) {
      expect(await prepareLongPrompt(model, prepare, { longTexts, wait })).toEqual(prepare(model));
    }
    expect(longTexts.asked).toHaveLength(1);
  });

  it("encodes here what is beyond eight long texts", async () => {
    const longTexts = elsewhere();
    const texts = Array.from({ length: 12 }, (_, index) => `${index}. ${LONG} number ${index}`);
    let tries = 0;
    const prepare = ({ tokenizer }: ModelRuntime): readonly Int32Array[] => {
      tries += 1;
      return texts.map((text) => tokenizer.encode(text, false));
    };
    const ids = await prepareLongPrompt(model, prepare, { longTexts, wait });
    expect([longTexts.asked.length, tries]).toEqual([8, 9]);
    expect(ids).toEqual(prepare(model));
  });

  it("throws what the preparation throws, before and after the wait", async () => {
    const longTexts = elsewhere();
    for (const texts of [[], [LONG]]) {
      const prepare = ({ tokenizer }: ModelRuntime): never => {
        texts.forEach((text) => tokenizer.encode(text, false));
        throw new RangeError("no");
      };
      await expect(prepareLongPrompt(model, prepare, { longTexts, wait })).rejects.toThrow("no");
    }
  });

  it("ends without a plan when nobody waits any more", async () => {
    const prepare = ({ tokenizer }: ModelRuntime): Int32Array => tokenizer.encode(LONG, false);
    const gone: Waiting = async (begin) => {
      begin(() => undefined)();
      return undefined;
    };
    expect(await prepareLongPrompt(model, prepare, { longTexts: elsewhere(), wait: gone })).toBeUndefined();
  });

  it("keeps two requests apart whose preparations take turns", async () => {
    const longTexts = elsewhere();
    const texts = [`${LONG} of one`, `${LONG} of another`];
    const prepared = await Promise.all(
      texts.map((text) =>
        prepareLongPrompt(model, ({ tokenizer }) => tokenizer.encode(text, false), { longTexts, wait }),
      ),
    );
    expect(prepared).toEqual(texts.map((text) => model.tokenizer.encode(text, false)));
  });
});
