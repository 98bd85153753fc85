import { existsSync } from "node:fs";

import type { ReadinessProbe } from "@vllm-router/launcher";

import type { EngineProgram } from "./engine-program.ts";
import type { EnginePlan } from "./plan.ts";

/** Where an engine listens. */
export interface EngineAddress {
  readonly host: string;
  readonly port: number;
}

/** How an engine is started, asked and reached. */
export interface EngineCommand {
  readonly args: readonly string[];
  readonly probe: ReadinessProbe;
  /** What the router is told. */
  readonly workerUrl: string;
}

/** vLLM's default model, for the programs that need it said. */
const DEFAULT_MODEL = "Qwen/Qwen3-0.6B";

/** Flags vllm-rs takes before `--`; the rest is for the Python engine. */
const rustFlags = [
  "generation-config",
  "max-logprobs",
  "reasoning-parser",
  "revision",
  "served-model-name",
  "shutdown-timeout",
];

/** Builds the command of one engine. */
export function engineCommand(
  program: EngineProgram,
  plan: EnginePlan,
  address: EngineAddress,
): EngineCommand {
  const at = ["--host", address.host, "--port", String(address.port)];
  const target = `${reachable(address.host)}:${address.port}`;
  const grpc = {
    probe: { kind: "grpc", address: target } as const,
    workerUrl: `grpc://${target}`,
  };
  const model = plan.model === undefined ? [] : [plan.model];
  const flags = plan.flags.flatMap((flag) => flag.tokens);
  switch (program.name) {
    case "vllm":
      return { ...grpc, args: [...program.args, "serve", ...model, "--grpc", ...at, ...flags] };
    case "simulator":
      return {
        ...grpc,
        args: [
          ...program.args,
          ...simulatedModel(plan),
          ...at,
          "--ignore-unknown-flags",
          ...flags,
          ...plan.simulatorArguments,
        ],
      };
    case "vllm-rs":
      return { ...grpc, args: [...program.args, ...rustArguments(plan, address)] };
  }
}

/** A directory is a model; any other name is only the name under which the built-in model answers. */
function simulatedModel(plan: EnginePlan): readonly string[] {
  if (plan.model === undefined) return [];
  if (existsSync(plan.model)) return [plan.model];
  const isNamed = plan.flags.some((flag) => flag.name === "served-model-name");
  return isNamed ? [] : ["--served-model-name", plan.model];
}

/**
 * vllm-rs serves HTTP as well, on a port that nobody needs. Left alone it guesses parsers by the model's name, and its
 * engine then ignores every constraint until a thought has ended; the router parses, so it is told of none, unless the
 * user names a reasoning parser, whose constraints wait by intention.
 */
function rustArguments(plan: EnginePlan, address: EngineAddress): readonly string[] {
  const own = plan.flags.filter((flag) => rustFlags.includes(flag.name));
  const engine = plan.flags.filter((flag) => !rustFlags.includes(flag.name));
  const hasParser = own.some((flag) => flag.name === "reasoning-parser");
  return [
    "serve",
    plan.model ?? DEFAULT_MODEL,
    "--host",
    address.host,
    "--port",
    "0",
    "--grpc-port",
    String(address.port),
    ...(hasParser ? [] : ["--reasoning-parser", "none"]),
    "--tool-call-parser",
    "none",
    ...own.flatMap((flag) => flag.tokens),
    ...(engine.length === 0 ? [] : ["--", ...engine.flatMap((flag) => flag.tokens)]),
  ];
}

/** The address at which this machine reaches a listening host. */
export function reachable(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}
