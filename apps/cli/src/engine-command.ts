import { existsSync } from "node:fs";

import type { FlagOccurrence } from "@vllm-router/config";
import type { ReadinessProbe } from "@vllm-router/launcher";

import { CliError } from "./cli-error.ts";
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

/** Front-end flags that vllm-rs takes and that must be given to it, since it renders and parses itself. */
const rustFrontendFlags = [
  "chat-template",
  "chat-template-content-format",
  "default-chat-template-kwargs",
  "enable-prompt-tokens-details",
];
/** Front-end flags the router honours in front of an HTTP engine too. */
const proxyFrontendFlags = [
  "disable-uvicorn-access-log",
  "enable-request-id-headers",
  "enable-server-load-tracking",
  "root-path",
  "uvicorn-log-level",
];
/** Flags vllm-rs takes before `--`; the rest is for the Python engine. */
const rustFlags = ["generation-config", "max-logprobs", "revision", "served-model-name"];

/**
 * Builds the command of one engine.
 * @param frontendFlags vLLM's front-end flags, which only vllm-rs is given
 * @throws CliError not_implemented for a front-end flag that vllm-rs cannot honour
 */
export function engineCommand(
  program: EngineProgram,
  plan: EnginePlan & { readonly frontendFlags?: readonly FlagOccurrence[] },
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
      return {
        probe: { kind: "http", url: `http://${target}/health` },
        workerUrl: `http://${target}`,
        args: [...program.args, ...rustArguments(plan, at)],
      };
  }
}

/** A directory is a model; any other name is only the name under which the built-in model answers. */
function simulatedModel(plan: EnginePlan): readonly string[] {
  if (plan.model === undefined) return [];
  if (existsSync(plan.model)) return [plan.model];
  const isNamed = plan.flags.some((flag) => flag.name === "served-model-name");
  return isNamed ? [] : ["--served-model-name", plan.model];
}

function rustArguments(
  plan: EnginePlan & { readonly frontendFlags?: readonly FlagOccurrence[] },
  at: readonly string[],
): readonly string[] {
  const frontend = (plan.frontendFlags ?? []).filter((flag) => flag.owner === "router");
  for (const flag of frontend) {
    const known = [...rustFrontendFlags, ...proxyFrontendFlags].includes(flag.name);
    if (!known) {
      const message = `${flag.written} is not implemented with --engine vllm-rs; use --engine vllm`;
      throw new CliError("not_implemented", message);
    }
  }
  const own = [
    ...frontend.filter((flag) => rustFrontendFlags.includes(flag.name)),
    ...plan.flags.filter((flag) => rustFlags.includes(flag.name)),
  ];
  const engine = plan.flags.filter((flag) => !rustFlags.includes(flag.name));
  return [
    "serve",
    plan.model ?? DEFAULT_MODEL,
    ...at,
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
