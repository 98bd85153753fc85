import { describe, expect, it } from "vitest";
import { FAKE_FACTS } from "../../test/fake-engine.ts";
import { fakeRuntime } from "../../test/fake-fleet.ts";
import { RoutingModels } from "./routing-models.ts";

const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

function setUp() {
  const told: string[] = [];
  const models = new RoutingModels({
    build: (facts) =>
      facts.root === "none" ? Promise.reject(new Error("no files")) : Promise.resolve(fakeRuntime(facts)),
    unknown: (names, reason) => told.push(`${names.join(" ")}: ${reason}`),
  });
  return { models, told };
}

describe("RoutingModels", () => {
  it("knows a model as long as a worker serves it", async () => {
    const { models } = setUp();
    const facts = { ...FAKE_FACTS, modelNames: ["m", "alias"] };
    const first = models.learn(facts);
    expect(models.get("m")).toBeUndefined();
    await turn();
    const second = models.learn(facts);
    await turn();
    expect(models.get("alias")?.root).toBe(facts.root);
    first[Symbol.dispose]();
    expect(models.get("m")).toBeDefined();
    second[Symbol.dispose]();
    expect([models.get("m"), models.get("alias")]).toEqual([undefined, undefined]);
  });

  it("forgets what a worker taught that was gone before it was learned", async () => {
    const { models } = setUp();
    models.learn(FAKE_FACTS)[Symbol.dispose]();
    await turn();
    expect(models.get("m")).toBeUndefined();
  });

  it("knows which names are LoRA adapters, as long as a worker has them", () => {
    const { models } = setUp();
    const facts = { ...FAKE_FACTS, modelNames: ["m", "sql"], adapterNames: ["sql"] };
    const [first, second] = [models.learn(facts), models.learn(facts)];
    expect([models.isAdapter("sql"), models.isAdapter("m")]).toEqual([true, false]);
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(models.isAdapter("sql")).toBe(true);
    second[Symbol.dispose]();
    expect(models.isAdapter("sql")).toBe(false);
  });

  it("says once why it does not know a model", async () => {
    const { models, told } = setUp();
    models.learn({ ...FAKE_FACTS, root: "none" });
    models.learn({ ...FAKE_FACTS, root: "none" });
    await turn();
    expect(told).toEqual(["m: no files"]);
  });
});
