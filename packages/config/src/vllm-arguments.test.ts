import { describe, expect, it } from "vitest";

import { routerFlags } from "./router-config.ts";
import { splitVllmArguments } from "./vllm-arguments.ts";
import { readVllmConfigFile } from "./vllm-config-file.ts";
import { vllmFlagOwner } from "./vllm-flag-owners.ts";
import { vllmFlags } from "./vllm-flags.generated.ts";

const own = [
  { name: "engine-count", arity: "one" as const },
  { name: "demo", arity: "boolean" as const },
];

function split(line: string): ReturnType<typeof splitVllmArguments> {
  return splitVllmArguments(line === "" ? [] : line.split(" "), own);
}

describe("splitVllmArguments()", () => {
  it("finds the model wherever the flags leave it", () => {
    expect(split("M --tensor-parallel-size 2").positionals).toEqual(["M"]);
    expect(split("--tensor-parallel-size 2 M").positionals).toEqual(["M"]);
    expect(split("--enforce-eager M").positionals).toEqual(["M"]);
    expect(split("-tp 2 -O3 M -q awq").positionals).toEqual(["M"]);
    expect(split("--demo M --engine-count 2").positionals).toEqual(["M"]);
    expect(split("--port 1 -- M").positionals).toEqual(["M"]);
  });

  it.each([
    ["--served-model-name a b", "served-model-name", ["a", "b"]],
    ["--served_model_name a", "served-model-name", ["a"]],
    ["-tp 2", "tensor-parallel-size", ["2"]],
    ["-O 2", "optimization-level", ["2"]],
    ["--max-model-len=1k", "max-model-len", ["1k"]],
    ["--rope-theta -1", "rope-theta", ["-1"]],
    ["--new-flag a b", "new-flag", ["a", "b"]],
    ["--served-model a", "served-model-name", ["a"]],
    ["--hf-token", "hf-token", []],
    ["--device-memory-utilization 0.5", "gpu-memory-utilization", ["0.5"]],
  ])("reads %s", (line, name, values) => {
    const [flag, ...rest] = split(line).flags;
    expect(rest).toEqual([]);
    expect(flag).toMatchObject({ name, values });
    expect(flag?.tokens).toEqual(line.split(" "));
  });

  it("keeps dotted keys and negations apart from the name", () => {
    const { flags } = split("--kv-transfer-config.kv_role kv_both -cc.mode=3 --no-enable-log-deltas");
    expect(flags).toMatchObject([
      { name: "kv-transfer-config", keys: ".kv_role", values: ["kv_both"] },
      { name: "compilation-config", keys: ".mode", values: ["3"] },
      { name: "enable-log-deltas", negated: true, values: [] },
    ]);
  });

  it("gives unknown flags to the engine", () => {
    expect(split("--brand-new 1").flags[0]).toMatchObject({ known: "unknown", owner: "engine" });
  });
});

describe("the owners of vLLM's flags", () => {
  it("leave no front-end flag to the engine", () => {
    const known = new Set(routerFlags().map(({ flag }) => flag));
    const homeless = vllmFlags
      .filter(({ name }) => ["router", "both"].includes(vllmFlagOwner(name)) && !known.has(name))
      .map(({ name }) => name);
    expect(homeless).toEqual([]);
  });

  it.each([
    ["chat-template", "router"],
    ["served-model-name", "both"],
    ["tensor-parallel-size", "engine"],
    ["headless", "launcher"],
    ["api-server-count", "refused"],
    ["from-the-future", "engine"],
  ])("%s belongs to %s", (name, owner) => {
    expect(vllmFlagOwner(name)).toBe(owner);
  });
});

describe("readVllmConfigFile()", () => {
  it("gives the arguments vLLM would read", () => {
    const file = [
      "model: M",
      "port: 8100",
      "served_model_name: [a, b]",
      "enforce-eager: true",
      "enable-prefix-caching: false",
      "headless: false",
      "compilation-config: {mode: 3}",
      "dtype: auto",
    ].join("\n");
    expect(readVllmConfigFile("f", () => file)).toEqual([
      "M",
      "--port=8100",
      "--served_model_name",
      "a",
      "b",
      "--enforce-eager",
      "--no-enable-prefix-caching",
      '--compilation-config={"mode":3}',
      "--dtype=auto",
    ]);
  });

  it("refuses what is no mapping", () => {
    expect(() => readVllmConfigFile("f", () => "- a")).toThrow("--config: f must hold a mapping");
  });
});
