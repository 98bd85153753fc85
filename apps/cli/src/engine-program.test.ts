import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { checkGrpcExtra, engineAdvice, findEngineProgram } from "./engine-program.ts";

describe("findEngineProgram()", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "engine-program-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function install(name: string, text = "#!/bin/sh\n"): void {
    writeFileSync(join(folder, name), text, { mode: 0o755 });
  }

  it("takes what is installed, vllm first", () => {
    install("vllm-rs");
    expect(findEngineProgram("auto", { PATH: folder }).name).toBe("vllm-rs");
    install("vllm");
    expect(findEngineProgram("auto", { PATH: folder })).toMatchObject({
      name: "vllm",
      command: join(folder, "vllm"),
    });
  });

  it("never takes the simulator by itself, and names it with the install line", () => {
    const find = (): unknown => findEngineProgram("auto", { PATH: folder });
    expect(find).toThrow("neither vllm nor vllm-rs is on PATH");
    expect(find).toThrow("pip install 'vllm[grpc]'");
    expect(find).toThrow("vllm-serve --enable-router-as-api-server --engine simulator");
    const fromClone = { PATH: folder, npm_lifecycle_event: "start" };
    expect(() => findEngineProgram("auto", fromClone)).toThrow("npm start -- --enable-router-as-api-server");
    expect(() => findEngineProgram("vllm-rs", { PATH: folder })).toThrow("vllm-rs is not on PATH");
  });

  it("finds the simulator's program when asked", () => {
    const program = findEngineProgram("simulator", { PATH: folder });
    expect(program.args[0]).toMatch(/vllm-simulator\.js$/);
  });

  it("says how to get vLLM's gRPC server when its Python lacks it", async () => {
    // A Python that has no such package: it answers every question with the code for "missing".
    install("python3", "#!/bin/sh\nexit 3\n");
    install("vllm", `#!${join(folder, "python3")}\n`);
    const program = findEngineProgram("vllm", { PATH: folder });
    await expect(checkGrpcExtra(program, {})).rejects.toMatchObject({
      code: "engine_without_grpc",
      message: expect.stringContaining("pip install 'vllm[grpc]'") as string,
    });
    install("python3", "#!/bin/sh\nexit 0\n");
    await expect(checkGrpcExtra(program, {})).resolves.toBeUndefined();
  });

  it("asks nobody about a program that is not Python", async () => {
    install("vllm", "#!/bin/sh\nexit 3\n");
    const program = findEngineProgram("vllm", { PATH: folder });
    await expect(checkGrpcExtra(program, {})).resolves.toBeUndefined();
  });
});

describe("engineAdvice()", () => {
  it("knows the causes an engine dies of", () => {
    expect(engineAdvice(["ImportError: gRPC mode requires smg-grpc-servicer."], {})).toContain(
      "pip install 'vllm[grpc]'",
    );
    expect(engineAdvice(["vllm: error: unrecognized arguments: --grpc"], {})).toContain("too old");
    expect(engineAdvice(["CUDA out of memory"], {})).toBeUndefined();
  });
});
