import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { flagsSetBy, KNOWN_V8, OLDER_V8 } from "../../models/tuning.cases.ts";
import { keepWasmWrappers } from "./keep-wasm-wrappers.ts";

const FLAG = "--wasm-wrapper-tiering-budget=2147483647";

const flagsSet = flagsSetBy(keepWasmWrappers);

it("sets V8's flag where it is known, and not over the user's own", () => {
  expect(flagsSet([], KNOWN_V8)).toEqual([FLAG]);
  expect(flagsSet(["--wasm_wrapper_tiering_budget=5"], KNOWN_V8)).toEqual([]);
  expect(flagsSet([], OLDER_V8)).toEqual([]);
});

it("is a flag that this V8 has", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [FLAG, "--print", "'started'"]);
  expect(stdout).toBe("started\n");
});
