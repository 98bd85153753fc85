import { describe, expect, it } from "vitest";
import { readCommandLine } from "./flags.ts";

const read = (line: string): ReturnType<typeof readCommandLine> =>
  readCommandLine(line.split(" ").filter(Boolean));

describe("readCommandLine()", () => {
  it("reads flags with dashes, equal signs and underscores", () => {
    const { options } = read(
      "--host 0.0.0.0 --port=50051 --max_num_seqs 4 --speed 0 --served-model-name a b",
    );
    expect(options).toMatchObject({
      host: "0.0.0.0",
      port: 50_051,
      maxNumSeqs: 4,
      speed: 0,
      servedModelNames: ["a", "b"],
    });
  });

  it("takes the model as first argument and vLLM's units", () => {
    expect(read("/models/x --max-model-len 8k").options).toMatchObject({
      modelPath: "/models/x",
      maxModelLen: 8000,
    });
    expect(read("--max-model-len auto").options.maxModelLen).toBeUndefined();
    expect(read("--max-model-len -1 -dp 2").options).toMatchObject({ dataParallelSize: 2 });
    expect(read("--max-num-batched-tokens 4K").options).toMatchObject({ maxNumBatchedTokens: 4096 });
  });

  it("knows the protocols", () => {
    expect(read("--protocol vllm-inference").options.protocol).toBe("vllm-inference");
    expect(read("").options.protocol).toBe(undefined);
    expect(() => read("--protocol http")).toThrow("--protocol is vllm-engine or vllm-inference, not 'http'");
  });

  it("collects faults", () => {
    const { options } = read(
      "--fault slow=3 --fault error-status=unavailable --fault hang --fault=drop-stream-after=5",
    );
    expect(options.faults).toEqual({
      slowFactor: 3,
      errorStatus: "UNAVAILABLE",
      isHanging: true,
      dropStreamAfterTokens: 5,
    });
  });

  it("names unknown flags, or passes over them when told to", () => {
    expect(() => read("--port 1 --tensor-parallel-size 2 --enforce-eager")).toThrow(
      "vllm-simulator has no --tensor-parallel-size 2, --enforce-eager",
    );
    const passed = read("--tensor-parallel-size 2 --ignore-unknown-flags -O3 --port 1 --x=y");
    expect(passed.ignored).toEqual(["--tensor-parallel-size 2", "-O3", "--x=y"]);
    expect(passed.options.port).toBe(1);
  });

  it.each([
    ["--port x", "--port x: needs a whole number of at least 0"],
    ["--block-size 0", "--block-size 0: needs a whole number of at least 1"],
    ["--fault nothing", 'there is no fault "nothing"'],
    ["--fault refuse=2", "needs a number from 0 to 1"],
    ["--host", "--host needs a value"],
    ["--log-level loud", "needs info, warn or error"],
    ["a b", "unexpected argument b"],
  ])("refuses %s", (line, message) => {
    expect(() => read(line)).toThrow(message);
  });
});
