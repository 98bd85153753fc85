import { describe, expect, it } from "vitest";
import { FAKE_FACTS } from "../../test/fake-engine.ts";
import {
  asModelFiles,
  temporaryFolder,
  TINY_MODEL,
  TINY_TOKENIZER,
  type TinyFiles,
} from "../../test/tiny-model.ts";
import type { WorkerFacts } from "../fleet/worker-connector.ts";
import { ModelBuilder, type ModelBuilderOptions } from "./build-model-runtime.ts";
import type { ModelRuntime } from "./model-runtime.ts";

const OPTIONS: ModelBuilderOptions = {
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
    timeoutMs: 1_000,
  },
};

function factsWith(files: TinyFiles, facts: Partial<WorkerFacts> = {}): WorkerFacts {
  return { ...FAKE_FACTS, files: asModelFiles(files), ...facts };
}

function render(runtime: ModelRuntime, tools = false): string {
  const template = tools ? runtime.toolTemplate : runtime.chatTemplate;
  const message = new Map([
    ["role", "user"],
    ["content", "hi"],
  ]);
  return template?.render(new Map([["messages", [message]]])) ?? "no template";
}

describe("ModelBuilder", () => {
  it("builds a model from the files an engine hands out", async () => {
    const runtime = await new ModelBuilder(OPTIONS).build(factsWith(TINY_MODEL));
    expect(runtime).toMatchObject({
      servedNames: ["m"],
      root: "/models/m",
      maxModelLength: 2048,
      vocabularySize: 1000,
      endOfSequenceTokenId: 257,
      extraEndTokenIds: [256],
      engineVersion: "0.32.0",
      defaults: { sampling: { temperature: 0.6, topK: 20 }, endTokenIds: [257, 256] },
    });
    expect(runtime.systemFingerprint).toMatch(/^vllm-0\.32\.0-[0-9a-f]{8}$/);
    expect([...runtime.tokenizer.encode("hi<|end|>", true)]).toEqual([104, 105, 257]);
    expect(render(runtime)).toBe("user: hi\n");
  });

  it("takes names from the flag before the engine's, and the path when there are none", async () => {
    const files = factsWith(TINY_MODEL);
    expect(
      (await new ModelBuilder({ ...OPTIONS, servedModelNames: ["a", "b"] }).build(files)).servedNames,
    ).toEqual(["a", "b"]);
    expect((await new ModelBuilder(OPTIONS).build({ ...files, modelNames: [] })).servedNames).toEqual([
      "/models/m",
    ]);
  });

  it("fills in from the files what the engine does not say", async () => {
    const runtime = await new ModelBuilder(OPTIONS).build(
      factsWith(TINY_MODEL, { maxModelLength: 0, vocabularySize: 0 }),
    );
    expect(runtime).toMatchObject({ maxModelLength: 4096, vocabularySize: 258 });
    for (const config of [{ vocab_size: 300 }, { text_config: { vocab_size: 300 } }]) {
      const files = { ...TINY_MODEL, "config.json": config };
      const larger = await new ModelBuilder(OPTIONS).build(factsWith(files, { vocabularySize: 0 }));
      expect(larger.vocabularySize).toBe(300);
    }
    await expect(
      new ModelBuilder(OPTIONS).build(factsWith({ ...TINY_MODEL, "config.json": {} }, { maxModelLength: 0 })),
    ).rejects.toThrow("neither the engine nor config.json says how long a context may be");
  });

  it("prefers --model-path to the engine's files", async () => {
    await using folder = await temporaryFolder();
    await folder.write({ ...TINY_MODEL, "generation_config.json": { temperature: 0.25 } });
    const runtime = await new ModelBuilder({ ...OPTIONS, modelPath: folder.path }).build(
      factsWith(TINY_MODEL),
    );
    expect(runtime.defaults.sampling).toEqual({ temperature: 0.25 });
    expect(runtime.extraEndTokenIds).toEqual([]);
  });

  it("takes tokenizer and template from --tokenizer-path, the rest from the engine", async () => {
    await using folder = await temporaryFolder();
    await folder.write({
      "tokenizer.json": TINY_TOKENIZER,
      "tokenizer_config.json": { eos_token: "<|start|>" },
    });
    const runtime = await new ModelBuilder({ ...OPTIONS, tokenizerPath: folder.path }).build(
      factsWith(TINY_MODEL),
    );
    expect(runtime).toMatchObject({
      endOfSequenceTokenId: 256,
      extraEndTokenIds: [257],
      chatTemplate: undefined,
    });
    expect(runtime.defaults.sampling).toEqual({ temperature: 0.6, topK: 20 });

    const fromFile = await new ModelBuilder({
      ...OPTIONS,
      tokenizerPath: `${folder.path}/tokenizer.json`,
    }).build(factsWith({}));
    expect(fromFile.endOfSequenceTokenId).toBeUndefined();
  });

  it("looks for the engine's own path on this machine when it hands out nothing", async () => {
    await using folder = await temporaryFolder();
    await folder.write(TINY_MODEL);
    const runtime = await new ModelBuilder(OPTIONS).build(factsWith({}, { tokenizerPath: folder.path }));
    expect(render(runtime)).toBe("user: hi\n");
    await expect(
      new ModelBuilder(OPTIONS).build(factsWith({}, { tokenizerPath: "/engine/only" })),
    ).rejects.toThrow(
      "the engine hands out no tokenizer.json, and its tokenizer cannot be found here: /engine/only: there is no such path on this machine. Give --model-path or --tokenizer-path.",
    );
  });

  it("takes a chat template from a file or from the flag itself", async () => {
    await using folder = await temporaryFolder();
    await folder.write({ "template.jinja": "FILE {{ messages[0].content }}" });
    const fromFile = await new ModelBuilder({
      ...OPTIONS,
      chatTemplate: `${folder.path}/template.jinja`,
    }).build(factsWith(TINY_MODEL));
    expect([render(fromFile), render(fromFile, true)]).toEqual(["FILE hi", "FILE hi"]);
    const inline = await new ModelBuilder({
      ...OPTIONS,
      chatTemplate: "INLINE {{ messages[0].role }}",
    }).build(factsWith(TINY_MODEL));
    expect(render(inline)).toBe("INLINE user");
    await expect(
      new ModelBuilder({ ...OPTIONS, chatTemplate: "missing.jinja" }).build(factsWith(TINY_MODEL)),
    ).rejects.toMatchObject({
      code: "model_files",
      message: "--chat-template missing.jinja: the file cannot be read",
    });
    await expect(
      new ModelBuilder({ ...OPTIONS, chatTemplate: "{% if %}" }).build(factsWith(TINY_MODEL)),
    ).rejects.toThrow("chat template: ");
  });

  it("has a template of its own for conversations with tools where the model has one", async () => {
    const runtime = await new ModelBuilder(OPTIONS).build(
      factsWith({
        ...TINY_MODEL,
        "tokenizer_config.json": {
          eos_token: "<|end|>",
          chat_template: [
            { name: "default", template: "PLAIN" },
            { name: "tool_use", template: "TOOLS" },
          ],
        },
      }),
    );
    expect([render(runtime), render(runtime, true)]).toEqual(["PLAIN", "TOOLS"]);
  });

  it("prefers chat_template.jinja, and falls back to chat_template.json", async () => {
    const both = await new ModelBuilder(OPTIONS).build(
      factsWith({ ...TINY_MODEL, "chat_template.jinja": "JINJA" }),
    );
    expect(render(both)).toBe("JINJA");
    const config = { eos_token: "<|end|>" };
    const json = await new ModelBuilder(OPTIONS).build(
      factsWith({
        ...TINY_MODEL,
        "tokenizer_config.json": config,
        "chat_template.json": { chat_template: "JSON" },
      }),
    );
    expect(render(json)).toBe("JSON");
    const none = await new ModelBuilder(OPTIONS).build(
      factsWith({ ...TINY_MODEL, "tokenizer_config.json": config }),
    );
    expect(none.chatTemplate).toBeUndefined();
  });

  it("still completes texts for a model whose own template is broken", async () => {
    const runtime = await new ModelBuilder(OPTIONS).build(
      factsWith({ ...TINY_MODEL, "chat_template.jinja": "{% for %}" }),
    );
    expect([...runtime.tokenizer.encode("a", true)]).toEqual([97]);
    expect(() => render(runtime)).toThrow(expect.objectContaining({ code: "template_invalid" }) as Error);
  });

  it("builds once for workers with the same files, also when they come at the same time", async () => {
    const builder = new ModelBuilder(OPTIONS);
    const [first, second] = await Promise.all([
      builder.build(factsWith(TINY_MODEL)),
      builder.build(factsWith(TINY_MODEL, { modelNames: ["other"] })),
    ]);
    const third = await builder.build(factsWith(TINY_MODEL));
    expect(builder.builds).toBe(1);
    expect(second.tokenizer).toBe(first.tokenizer);
    expect(third.chatTemplate).toBe(first.chatTemplate);
    expect(second.servedNames).toEqual(["other"]);
    const changed = await builder.build(factsWith({ ...TINY_MODEL, "chat_template.jinja": "NEW" }));
    expect(builder.builds).toBe(2);
    expect(changed.contentHash).not.toBe(first.contentHash);
  });

  it("keeps a bounded number of tokenizers, the latest", async () => {
    const builder = new ModelBuilder(OPTIONS);
    const filesOf = (version: number): WorkerFacts =>
      factsWith({ ...TINY_MODEL, "chat_template.jinja": `v${version}` });
    for (let version = 0; version < 9; version += 1) {
      await builder.build(filesOf(version));
    }
    await builder.build(filesOf(8));
    expect(builder.builds).toBe(9);
    await builder.build(filesOf(0));
    expect(builder.builds).toBe(10);
  });

  it("says what is wrong with a tokenizer, and tries again next time", async () => {
    const builder = new ModelBuilder(OPTIONS);
    await expect(builder.build(factsWith({ "tokenizer.json": "{" }))).rejects.toMatchObject({
      code: "model_files",
    });
    await expect(builder.build(factsWith({ "tokenizer.json": "{" }))).rejects.toMatchObject({
      code: "model_files",
    });
    expect(builder.builds).toBe(2);
    await using folder = await temporaryFolder();
    await folder.write({ "config.json": {} });
    await expect(
      new ModelBuilder({ ...OPTIONS, modelPath: folder.path }).build(factsWith(TINY_MODEL)),
    ).rejects.toThrow("the model has no tokenizer.json (only config.json); give one with --tokenizer-path");
  });

  it("reads generation defaults from a directory", async () => {
    await using folder = await temporaryFolder();
    await folder.write({ "generation_config.json": { max_new_tokens: 7, top_k: 1 } });
    const runtime = await new ModelBuilder({ ...OPTIONS, generationConfig: folder.path }).build(
      factsWith(TINY_MODEL),
    );
    expect(runtime.defaults).toEqual({
      sampling: { maxTokens: 7, topK: 1 },
      maxTokensLimit: 7,
      endTokenIds: [],
    });
  });
});
