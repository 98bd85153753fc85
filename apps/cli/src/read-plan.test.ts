import { describe, expect, it } from "vitest";

import type { HeadlessPlan, LocalPlan, Plan } from "./plan.ts";
import { readPlan } from "./read-plan.ts";

function read(line: string, file = ""): Plan {
  const argv = line === "" ? [] : line.split(" ");
  return readPlan(argv, { readFile: () => file });
}

function local(line: string, file?: string): LocalPlan {
  const plan = read(`--enable-router-as-api-server ${line}`.trim(), file);
  if (plan.kind !== "local") throw new Error(plan.kind);
  return plan;
}

function headless(line: string): HeadlessPlan {
  const plan = read(`${line} --headless`);
  if (plan.kind !== "headless") throw new Error(plan.kind);
  return plan;
}

const tokens = (flags: LocalPlan["flags"]): string => flags.flatMap((flag) => flag.tokens).join(" ");

describe("readPlan() in localhost mode", () => {
  it("has vllm serve's address and one engine by default", () => {
    const argv = ["M", "--enable-router-as-api-server"];
    expect(readPlan(argv, { readFile: () => "" })).toMatchObject({
      kind: "local",
      engine: "auto",
      model: "M",
      engineCount: 1,
      enginePort: undefined,
      host: "0.0.0.0",
      port: 8000,
    });
  });

  it("leaves the model to vLLM when none is named", () => {
    expect(local("").model).toBeUndefined();
    expect(local("--model M").model).toBe("M");
  });

  it("splits flags between router and engine", () => {
    const plan = local(
      "M -tp 2 --chat-template t.jinja --served-model-name a b --router-policy random --max-logprobs 5 --brand-new 1 --no-enable-request-id-headers",
    );
    expect(tokens(plan.flags)).toBe("-tp 2 --served-model-name a b --max-logprobs 5 --brand-new 1");
    expect(tokens(plan.frontendFlags)).toBe(
      "--chat-template t.jinja --served-model-name a b --max-logprobs 5 --no-enable-request-id-headers",
    );
    expect(plan.routerArguments).toEqual(["--policy", "random"]);
  });

  it("hands the router's flags on in every form", () => {
    const plan = local(
      "--router-queue_size=5 --router-disable-retries --no-router-disable-circuit-breaker --router-request-id-headers a b",
    );
    expect(plan.routerArguments).toEqual([
      "--queue-size",
      "5",
      "--disable-retries",
      "--no-disable-circuit-breaker",
      "--request-id-headers",
      "a",
      "b",
    ]);
  });

  it("reads vLLM's file of flags, which the command line overrules", () => {
    const plan = local(
      "--config f.yaml --port 9000",
      "model: M\nport: 8100\nchat-template: t\ndtype: float32\nrouter-policy: random\n",
    );
    expect(plan).toMatchObject({ model: "M", port: 9000, routerArguments: ["--policy", "random"] });
    expect(tokens(plan.flags)).toBe("--dtype=float32");
    expect(tokens(plan.frontendFlags)).toBe("--chat-template=t");
  });

  it("is two simulated engines on this machine only as a demo", () => {
    expect(read("--demo --simulator-speed 2")).toMatchObject({
      kind: "local",
      isDemo: true,
      engine: "simulator",
      engineCount: 2,
      host: "127.0.0.1",
      simulatorArguments: ["--speed", "2"],
    });
  });

  it.each([
    ["--tool-server demo", "--tool-server is not implemented in this version of vllm-router; leave it out"],
    [
      "--enable-log-outputs",
      "--enable-log-outputs is not implemented in this version of vllm-router; leave it out: prompts and answers are never logged",
    ],
    [
      "--api-server-count 2",
      "--api-server-count has no meaning with the router; the router takes the place of the API servers",
    ],
    ["--router-polcy random", "unknown flag --router-polcy; did you mean --router-policy?"],
    [
      "--router-api-key-validation-urls u",
      "--router-api-key-validation-urls is not implemented in this version of vllm-router; run it inside a private network",
    ],
    ["--router-port 1", "--router-port: use --port"],
    [
      "--router-worker-urls http://a",
      "--router-worker-urls: vllm-serve starts the workers itself; use vllm-router for others",
    ],
    ["--port x", "--port: expected a whole number from 1 to 65535, got 'x'"],
    ["--port", "--port needs a value"],
    ["--engine-count 0", "--engine-count: expected a whole number from 1 to 64, got '0'"],
    ["--engine llama", "--engine: expected one of auto, vllm, vllm-rs, simulator, got 'llama'"],
    ["--grpc-port 1", "--grpc-port has no meaning here; choose the engine's port with --engine-port"],
    ["--headless", "--enable-router-as-api-server and --headless exclude each other"],
    ["M N", "unexpected argument 'N' after M"],
  ])("refuses %s", (line, message) => {
    expect(() => local(line)).toThrow(message);
  });

  it("accepts that something unknown to the router is switched off", () => {
    const plan = local("--no-interleave-mm-strings --no-enable-log-outputs");
    expect(plan.frontendFlags).toEqual([]);
    expect(plan.flags).toEqual([]);
  });

  it("gives the engine the reasoning parser by name, not the choice of one", () => {
    const named = local("--reasoning-parser qwen3");
    expect(tokens(named.flags)).toBe("--reasoning-parser qwen3");
    expect(tokens(named.frontendFlags)).toBe("--reasoning-parser qwen3");
    const auto = local("--reasoning-parser=auto --tool-call-parser auto --enable-auto-tool-choice");
    expect(tokens(auto.flags)).toBe("");
    expect(tokens(auto.frontendFlags)).toBe(
      "--reasoning-parser=auto --tool-call-parser auto --enable-auto-tool-choice",
    );
  });
});

describe("readPlan() with --headless", () => {
  it("listens for other machines", () => {
    expect(headless("M -tp 2")).toMatchObject({ model: "M", host: "0.0.0.0", port: 50_051 });
    expect(headless("M --host 10.0.0.1 --port 1")).toMatchObject({ host: "10.0.0.1", port: 1 });
  });

  it.each([
    "--data-parallel-address 10.0.0.1",
    "-dpa 10.0.0.1",
    "--data-parallel-rpc-port=1",
    "--data-parallel-start-rank 1",
    "--nnodes 2",
  ])("keeps vLLM's meaning with %s", (flag) => {
    const argv = `M --headless ${flag}`.split(" ");
    expect(read(argv.join(" "))).toEqual({ kind: "unchanged", argv });
  });

  it.each([
    [
      "--chat-template t",
      "--chat-template belongs to the HTTP front end, which --headless does not start; give it to vllm-router",
    ],
    ["--router-policy random", "--router-policy has no meaning with --headless"],
    ["--engine-count 2", "--engine-count has no meaning with --headless"],
  ])("refuses %s", (line, message) => {
    expect(() => headless(line)).toThrow(message);
  });
});

describe("readPlan() otherwise", () => {
  it("changes nothing", () => {
    const argv = ["M", "--port", "1", "--no-such", "--tool-call-parser=hermes"];
    expect(read(argv.join(" "))).toEqual({ kind: "unchanged", argv });
    expect(read("")).toEqual({ kind: "unchanged", argv: [] });
  });

  it("names a flag that needs a mode", () => {
    expect(() => read("M --router-policy random")).toThrow(
      "--router-policy needs --enable-router-as-api-server",
    );
    expect(() => read("M --engine simulator")).toThrow("--engine needs");
  });

  it("knows help and version", () => {
    expect(read("M -h").kind).toBe("help");
    expect(read("--version").kind).toBe("version");
  });
});
