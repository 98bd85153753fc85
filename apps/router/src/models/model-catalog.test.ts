import { describe, expect, it } from "vitest";
import { FAKE_FACTS } from "../../test/fake-engine.ts";
import { fakeRuntime } from "../../test/fake-fleet.ts";
import { ModelCatalog } from "./model-catalog.ts";
import type { ModelRuntime } from "./model-runtime.ts";

function runtimeOf(names: readonly string[], root: string, maxModelLength = 2048): ModelRuntime {
  return fakeRuntime({ ...FAKE_FACTS, modelNames: names, root, maxModelLength });
}

describe("ModelCatalog", () => {
  it("gives back the model that is there for the same files, and finds it by all names", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["m", "alias"], "files"));
    const second = catalog.adopt(runtimeOf(["m", "more"], "files"));
    expect(second).toBe(first);
    expect(catalog.runtimes).toEqual([first]);
    expect(["m", "alias", "more", null, ""].map((name) => catalog.resolve(name))).toEqual([
      first,
      first,
      first,
      first,
      first,
    ]);
    expect(catalog.resolve("other")).toBeUndefined();
    expect(catalog.names()).toEqual(["m", "alias", "more"]);
  });

  it("serves several models side by side, the first by default", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["a"], "a"));
    const second = catalog.adopt(runtimeOf(["b"], "b"));
    expect(catalog.resolve(null)).toBe(first);
    expect(catalog.resolve("b")).toBe(second);
    expect(catalog.names()).toEqual(["a", "b"]);
  });

  it("refuses other files under a name that is served", () => {
    const catalog = new ModelCatalog();
    catalog.adopt(runtimeOf(["a", "m"], "old"));
    expect(() => catalog.adopt(runtimeOf(["x", "m"], "new"))).toThrow(
      'model "m" is already served with other tokenizer, template or generation files (old, this worker has new); the worker is refused',
    );
    expect(catalog.resolve("x")).toBeUndefined();
  });

  it("refuses a worker with shorter contexts than are served", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["m"], "f", 2048));
    expect(() => catalog.adopt(runtimeOf(["m"], "f", 1024))).toThrow(
      "contexts of 2048 tokens, this worker takes 1024",
    );
    expect(catalog.adopt(runtimeOf(["m"], "f", 4096))).toBe(first);
  });

  it("keeps a model whose workers are gone until another takes its name", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["a", "b"], "old"));
    catalog.adopt(runtimeOf(["c"], "c"));
    catalog.adopt(runtimeOf(["a", "b"], "old"));
    catalog.release(first);
    expect(() => catalog.adopt(runtimeOf(["b"], "new"))).toThrow("already served");
    catalog.release(first);
    expect(catalog.resolve("a")).toBe(first);

    const next = catalog.adopt(runtimeOf(["b"], "new"));
    expect(catalog.resolve("b")).toBe(next);
    expect(catalog.resolve("a")).toBeUndefined();
    expect(catalog.resolve(null)).toBe(next);
    expect(catalog.names()).toEqual(["b", "c"]);
  });

  it("takes a restarted engine's new facts although its files are the same", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["m"], "f", 4096));
    catalog.release(first);
    expect(catalog.adopt(runtimeOf(["m"], "f", 1024)).maxModelLength).toBe(1024);
  });

  it("forgets a model when its last worker was removed on purpose", () => {
    const catalog = new ModelCatalog();
    const first = catalog.adopt(runtimeOf(["m"], "f"));
    catalog.adopt(runtimeOf(["m"], "f"));
    catalog.release(first, true);
    expect(catalog.resolve("m")).toBe(first);
    catalog.release(first, true);
    expect(catalog.runtimes).toEqual([]);
    expect(catalog.names()).toEqual([]);
    catalog.release(first, true);
  });
});
