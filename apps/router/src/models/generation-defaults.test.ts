import { describe, expect, it } from "vitest";
import { asModelFiles, type TinyFiles } from "../../test/tiny-model.ts";
import {
  readGenerationDefaults,
  type GenerationDefaults,
  type GenerationDefaultsOptions,
} from "./generation-defaults.ts";

const ENGINE = { samplingDefaults: { temperature: 0.1 }, endTokenIds: [99] };

function read(files: TinyFiles, options: Partial<GenerationDefaultsOptions> = {}): GenerationDefaults {
  return readGenerationDefaults(asModelFiles(files), {
    source: "auto",
    directoryFiles: undefined,
    overrides: {},
    engine: ENGINE,
    ...options,
  });
}

const FILE = {
  "generation_config.json": {
    temperature: 0.7,
    top_p: 0.8,
    top_k: 20,
    min_p: 0.1,
    repetition_penalty: 1.05,
    presence_penalty: 0.5,
    frequency_penalty: 0.25,
    max_new_tokens: 512,
    do_sample: true,
    pad_token_id: 3,
    eos_token_id: [1, 2, 2],
  },
  "config.json": { eos_token_id: 7, temperature: 0.2 },
};

describe("readGenerationDefaults()", () => {
  it("takes the settings that vLLM takes and the end tokens", () => {
    expect(read(FILE)).toEqual({
      sampling: {
        temperature: 0.7,
        topP: 0.8,
        topK: 20,
        minP: 0.1,
        repetitionPenalty: 1.05,
        presencePenalty: 0.5,
        frequencyPenalty: 0.25,
        maxTokens: 512,
      },
      maxTokensLimit: undefined,
      endTokenIds: [1, 2],
    });
  });

  it("lets overrides win, null unsetting a value, and limits tokens only where max_new_tokens was overridden", () => {
    expect(
      read(FILE, { overrides: { temperature: 0, top_p: null, max_new_tokens: 64, eos_token_id: 5 } }),
    ).toMatchObject({
      sampling: { temperature: 0, maxTokens: 64, topK: 20 },
      maxTokensLimit: 64,
      endTokenIds: [1, 2],
    });
    expect(read(FILE, { overrides: { top_p: null } }).sampling).not.toHaveProperty("topP");
  });

  it("keeps the end tokens but no settings with the source vllm", () => {
    expect(read(FILE, { source: "vllm" })).toEqual({
      sampling: {},
      maxTokensLimit: undefined,
      endTokenIds: [1, 2],
    });
    expect(read(FILE, { source: "vllm", overrides: { top_k: 3 } }).sampling).toEqual({ topK: 3 });
  });

  it("takes everything from a directory of its own, whose max_new_tokens is a limit", () => {
    const directoryFiles = asModelFiles({
      "generation_config.json": { max_new_tokens: 100, eos_token_id: 4 },
    });
    expect(read(FILE, { source: "/x", directoryFiles })).toEqual({
      sampling: { maxTokens: 100 },
      maxTokensLimit: 100,
      endTokenIds: [4],
    });
    expect(read(FILE, { source: "/x", directoryFiles: new Map() })).toEqual({
      sampling: {},
      maxTokensLimit: undefined,
      endTokenIds: [],
    });
  });

  it("reads config.json where there is no generation_config.json, nested settings last", () => {
    expect(
      read({
        "config.json": {
          temperature: 0.3,
          eos_token_id: null,
          text_config: { eos_token_id: [8, 9], temperature: 5 },
        },
      }),
    ).toMatchObject({ sampling: { temperature: 0.3 }, endTokenIds: [8, 9] });
    expect(read({ "config.json": {} })).toEqual({
      sampling: {},
      maxTokensLimit: undefined,
      endTokenIds: [99],
    });
  });

  it("takes the engine's word where there is no file", () => {
    expect(read({})).toEqual({
      sampling: { temperature: 0.1 },
      maxTokensLimit: undefined,
      endTokenIds: [99],
    });
  });

  it("names a file that is no JSON object", () => {
    expect(() => read({ "generation_config.json": "[1]" })).toThrow(
      "generation_config.json: not a JSON object",
    );
    expect(() => read({ "generation_config.json": "{" })).toThrow("generation_config.json: not valid JSON");
  });
});
