import { describe, expect, it } from "vitest";
import { asModelFiles, temporaryFolder, TINY_MODEL } from "../../test/tiny-model.ts";
import { fileText, modelFilesHash, readLocalModelFiles } from "./model-files.ts";

describe("readLocalModelFiles()", () => {
  it("reads what there is of a model, named templates included, and nothing else", async () => {
    await using folder = await temporaryFolder();
    await folder.write({
      ...TINY_MODEL,
      "model.safetensors": "weights",
      "additional_chat_templates/tool_use.jinja": "tools",
      "additional_chat_templates/readme.md": "no",
    });
    const files = await readLocalModelFiles(folder.path);
    expect([...files.keys()]).toEqual([
      "tokenizer.json",
      "tokenizer_config.json",
      "config.json",
      "generation_config.json",
      "additional_chat_templates/tool_use.jinja",
    ]);
    expect(fileText(files, "additional_chat_templates/tool_use.jinja")).toBe("tools");
  });

  it("takes one file of any name for a tokenizer.json", async () => {
    await using folder = await temporaryFolder();
    await folder.write({ "my-tokenizer.json": "{}" });
    expect([...(await readLocalModelFiles(`${folder.path}/my-tokenizer.json`)).keys()]).toEqual([
      "tokenizer.json",
    ]);
  });

  it("names a path that is not there", async () => {
    await expect(readLocalModelFiles("/nowhere/at/all")).rejects.toMatchObject({
      code: "model_files",
      message: "/nowhere/at/all: cannot be read",
    });
  });
});

describe("modelFilesHash()", () => {
  it("depends on what decides the tokens, not on order or on other files", () => {
    const files = asModelFiles(TINY_MODEL);
    const hash = modelFilesHash(files);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(modelFilesHash(new Map([...files].toReversed()))).toBe(hash);
    expect(modelFilesHash(asModelFiles({ ...TINY_MODEL, "config.json": {}, "vocab.json": "{}" }))).toBe(hash);
    expect(modelFilesHash(asModelFiles({ ...TINY_MODEL, "chat_template.jinja": "x" }))).not.toBe(hash);
    expect(modelFilesHash(asModelFiles({ ...TINY_MODEL, "generation_config.json": {} }))).not.toBe(hash);
  });
});
