import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { keepWasmWrappers } from "./keep-wasm-wrappers.ts";

const FLAG = "--wasm-wrapper-tiering-budget=2147483647";

function flagsSet(flags: readonly string[], v8Version: string): readonly string[] {
  const set: string[] = [];
  keepWasmWrappers(flags, { v8Version, setFlag: (flag) => set.push(flag) });
  return set;
}

it("sets V8's flag where it is known, and not over the user's own", () => {
  expect(flagsSet([], "13.6.233.17-node.40")).toEqual([FLAG]);
  expect(flagsSet(["--wasm_wrapper_tiering_budget=5"], "13.6.233.17-node.40")).toEqual([]);
  expect(flagsSet([], "12.4.254.21-node.33")).toEqual([]);
});

it("is a flag that this V8 has", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [FLAG, "--print", "'started'"]);
  expect(stdout).toBe("started\n");
});
