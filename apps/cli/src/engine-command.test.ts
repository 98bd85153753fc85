import { describe, expect, it } from "vitest";

import { engineCommand, reachable } from "./engine-command.ts";
import type { EngineName, LocalPlan } from "./plan.ts";
import { readPlan } from "./read-plan.ts";
import { routerCommand } from "./router-command.ts";

function plan(line: string): LocalPlan {
  const argv = ["--enable-router-as-api-server", ...line.split(" ")];
  const found = readPlan(argv, { readFile: () => "" });
  if (found.kind !== "local") throw new Error(found.kind);
  return found;
}

function command(name: EngineName, line: string): ReturnType<typeof engineCommand> {
  const program = { name, command: name, args: [] };
  return engineCommand(program, plan(line), { host: "127.0.0.1", port: 50_051 });
}

describe("engineCommand()", () => {
  it("starts vLLM with its gRPC server", () => {
    const { args, workerUrl, probe } = command("vllm", "M -tp 2 --chat-template t --max-logprobs 5");
    expect(args.join(" ")).toBe("serve M --grpc --host 127.0.0.1 --port 50051 -tp 2 --max-logprobs 5");
    expect(workerUrl).toBe("grpc://127.0.0.1:50051");
    expect(probe).toEqual({ kind: "grpc", address: "127.0.0.1:50051" });
  });

  it("starts the simulator under the name of the model", () => {
    expect(command("simulator", "Qwen/Qwen3-0.6B -tp 2 --simulator-speed 2").args.join(" ")).toBe(
      "--served-model-name Qwen/Qwen3-0.6B --host 127.0.0.1 --port 50051 --ignore-unknown-flags -tp 2 --speed 2",
    );
    expect(command("simulator", "/tmp --seed 1").args[0]).toBe("/tmp");
    expect(command("simulator", "M --served-model-name a").args).not.toContain("M");
  });

  it("starts vllm-rs without parsers of its own, the engine's flags after --", () => {
    const { args, workerUrl, probe } = command("vllm-rs", "M -tp 2 --chat-template t --max-logprobs 5");
    expect(args.join(" ")).toBe(
      "serve M --host 127.0.0.1 --port 0 --grpc-port 50051 --reasoning-parser none --tool-call-parser none --max-logprobs 5 -- -tp 2",
    );
    expect(workerUrl).toBe("grpc://127.0.0.1:50051");
    expect(probe).toEqual({ kind: "grpc", address: "127.0.0.1:50051" });
  });
});

describe("routerCommand()", () => {
  it("lets the user's own words come last", () => {
    const { args } = routerCommand(
      plan("--response-role bot --router-worker-startup-check-interval 9"),
      "vllm",
      ["grpc://127.0.0.1:1", "grpc://127.0.0.1:2"],
    );
    expect(args.slice(1).join(" ")).toBe(
      "--worker-urls grpc://127.0.0.1:1 grpc://127.0.0.1:2 --host=0.0.0.0 --port=8000 --worker-startup-timeout-secs=86400 --worker-startup-check-interval=1 --engine-scheduling-policy=fcfs --response-role bot --worker-startup-check-interval 9",
    );
    expect(args[0]).toMatch(/router[/\\]bin[/\\]vllm-router\.js$/);
  });
});

describe("routerCommand() and the engine's own flags", () => {
  const words = (engine: EngineName, line: string): readonly string[] =>
    routerCommand(plan(line), engine, []).args;

  it("tells the router how the engines schedule", () => {
    expect(words("vllm", "M")).toContain("--engine-scheduling-policy=fcfs");
    expect(words("vllm", "M --scheduling-policy fcfs")).toContain("--engine-scheduling-policy=fcfs");
    expect(words("vllm", "M --scheduling-policy priority")).toContain("--engine-scheduling-policy=priority");
    expect(words("vllm", "M --scheduling-policy newer")).toContain("--engine-scheduling-policy=unknown");
  });

  it("names the tokenizer of an engine that hands out no files", () => {
    expect(words("vllm-rs", "M --tokenizer T")).toContain("--tokenizer-path=T");
    expect(words("vllm", "M --tokenizer T")).not.toContain("--tokenizer-path=T");
  });
});

describe("reachable()", () => {
  it.each([
    ["0.0.0.0", "127.0.0.1"],
    ["::", "[::1]"],
    ["::1", "[::1]"],
    ["localhost", "localhost"],
  ])("%s → %s", (host, expected) => {
    expect(reachable(host)).toBe(expected);
  });
});
