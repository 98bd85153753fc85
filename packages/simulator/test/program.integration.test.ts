import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { credentials } from "@grpc/grpc-js";
import { HealthClient } from "@vllm-router/proto/services";
import { describe, expect, it } from "vitest";
import { unary } from "./engine-client.ts";

const program = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** Runs the program from its source; killed at the end of the test. */
function run(
  ...args: string[]
): AsyncDisposable & { child: ChildProcess; output: () => string; ended: Promise<number | null> } {
  const child = spawn(process.execPath, ["--conditions=@vllm-router/source", program, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  }
  const ended = once(child, "close").then(([code]) => code as number | null);
  return {
    child,
    output: () => output,
    ended,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}

async function addressOf({ output }: ReturnType<typeof run>): Promise<string> {
  await expect.poll(output, { timeout: 15_000 }).toMatch(/grpc:\/\/\S+/);
  return /grpc:\/\/(\S+)/.exec(output())?.[1] ?? "";
}

describe("vllm-simulator", () => {
  it("says where it listens, is healthy, and ends on SIGTERM", async () => {
    await using program_ = run("--port", "0", "--tensor-parallel-size", "2", "--ignore-unknown-flags");
    const client = new HealthClient(await addressOf(program_), credentials.createInsecure());
    expect(await unary((done) => client.check({ service: "" }, done))).toEqual({ status: 1 });
    client.close();
    expect(program_.output()).toContain("vllm-simulator: ignoring --tensor-parallel-size 2\n");
    program_.child.kill("SIGTERM");
    expect(await program_.ended).toBe(0);
  });

  it("ends with a message for a flag it does not have", async () => {
    await using program_ = run("--tensor-parallel-size", "2");
    expect(await program_.ended).toBe(2);
    expect(program_.output()).toContain("vllm-simulator has no --tensor-parallel-size 2; see --help");
  });

  it("ends with a message for a model it cannot read", async () => {
    await using program_ = run("/no/such/model");
    expect(await program_.ended).toBe(2);
    expect(program_.output()).toContain("/no/such/model is not a directory");
  });

  it("lists its flags", async () => {
    await using program_ = run("--help");
    expect(await program_.ended).toBe(0);
    expect(program_.output()).toContain("--kv-blocks, --num-gpu-blocks-override COUNT");
  });
});
