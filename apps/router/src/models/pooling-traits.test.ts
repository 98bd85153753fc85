import type { Tokenizer } from "@vllm-router/text";
import { describe, expect, it } from "vitest";
import { FAKE_FACTS } from "../../test/fake-engine.ts";
import type { PoolingFacts } from "../fleet/worker-connector.ts";
import type { ModelFiles } from "./model-files.ts";
import type { ModelRuntime } from "./model-runtime.ts";
import { offersTask, type RouteTask } from "./offered-task.ts";
import { readPoolingTraits } from "./pooling-traits.ts";

const embeds: PoolingFacts = {
  architecture: "BertModel",
  isMultimodal: false,
  embeddingSize: 384,
  refusal: "",
};
const tokenizer = {
  specialTokens: new Map([["pad_token", "[PAD]"]]),
  tokenId: (piece: string) => (piece === "[PAD]" ? 7 : undefined),
} as unknown as Tokenizer;

function filesOf(contents: Readonly<Record<string, unknown>>): ModelFiles {
  return new Map(
    Object.entries(contents).map(([name, value]) => [name, new TextEncoder().encode(JSON.stringify(value))]),
  );
}

function traitsOf(
  contents: Readonly<Record<string, unknown>> = {},
  pooling: PoolingFacts = embeds,
): ReturnType<typeof readPoolingTraits> {
  return readPoolingTraits({ ...FAKE_FACTS, pooling }, { files: filesOf(contents), tokenizer });
}

describe("readPoolingTraits", () => {
  it("knows nothing of a model that generates", () => {
    expect(readPoolingTraits(FAKE_FACTS, { files: new Map(), tokenizer })).toBeUndefined();
  });

  it("takes what the engine says, and is modest where files are silent", () => {
    expect(traitsOf()).toEqual({
      architecture: "BertModel",
      isMultimodal: false,
      embeddingSize: 384,
      tasks: ["token_embed", "embed"],
      isMatryoshka: false,
      matryoshkaDimensions: undefined,
      padTokenId: 7,
      lowersCase: false,
      taskInstructions: undefined,
    });
  });

  it("reads Matryoshka, instructions and lower case from the model's files", () => {
    expect(traitsOf({ "config.json": { is_matryoshka: true } })).toMatchObject({
      isMatryoshka: true,
      matryoshkaDimensions: undefined,
    });
    const traits = traitsOf({
      "config.json": { matryoshka_dimensions: [64, 128] },
      "config_sentence_transformers.json": { prompts: { query: "query: ", broken: 3 } },
      "sentence_bert_config.json": { do_lower_case: true },
    });
    expect(traits).toMatchObject({
      isMatryoshka: true,
      matryoshkaDimensions: [64, 128],
      lowersCase: true,
      taskInstructions: new Map([["query", "query: "]]),
    });
    const instructions = { "config.json": { task_instructions: { search: "s: " } } };
    expect(traitsOf(instructions)?.taskInstructions).toEqual(new Map([["search", "s: "]]));
  });

  it("takes the tasks of a model without embeddings from the engine's refusal", () => {
    const refusal = "Unsupported task: 'embed' Supported tasks: ['token_classify', 'classify']";
    expect(traitsOf({}, { ...embeds, embeddingSize: undefined, refusal })?.tasks).toEqual([
      "token_classify",
      "classify",
    ]);
  });
});

describe("offersTask", () => {
  const offered = (pooling: PoolingFacts | undefined): readonly RouteTask[] => {
    const runtime = { pooling: pooling === undefined ? undefined : traitsOf({}, pooling) } as ModelRuntime;
    const all: readonly RouteTask[] = ["generate", "embed", "classify", "scoring", "pooling"];
    return all.filter((task) => offersTask(runtime, task));
  };

  it("has the routes that vLLM has", () => {
    const without = { ...embeds, embeddingSize: undefined };
    expect(offered(undefined)).toEqual(["generate"]);
    expect(offered(embeds)).toEqual(["embed", "scoring", "pooling"]);
    expect(offered({ ...without, refusal: "Supported tasks: ['classify']" })).toEqual([
      "classify",
      "scoring",
      "pooling",
    ]);
    expect(offered({ ...without, refusal: "Supported tasks: ['token_classify']" })).toEqual(["pooling"]);
  });
});
