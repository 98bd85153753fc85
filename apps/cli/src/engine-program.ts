import { execFile } from "node:child_process";
import { readFileSync, realpathSync } from "node:fs";
import { basename } from "node:path";

import type { Environment } from "@vllm-router/config";
import { findProgram } from "@vllm-router/launcher";

import { CliError } from "./cli-error.ts";
import type { EngineName } from "./plan.ts";
import { findPackagedProgram } from "./packaged-program.ts";
import { ownCommand } from "./terminal.ts";

/** The line that installs an engine the router can use. */
export const INSTALL_LINE = "pip install 'vllm[grpc]'";

/** An engine program on this machine. */
export interface EngineProgram {
  readonly name: EngineName;
  readonly command: string;
  /** Arguments before the engine's own. */
  readonly args: readonly string[];
}

/**
 * Finds the program of an engine.
 * @param asked `auto` takes vllm, else vllm-rs, never the simulator
 * @throws CliError engine_missing with the line that installs it
 */
export function findEngineProgram(asked: EngineName | "auto", environment: Environment): EngineProgram {
  if (asked === "simulator") {
    const { command, args } = findPackagedProgram("vllm-simulator");
    return { name: "simulator", command, args };
  }
  const wanted = asked === "auto" ? (["vllm", "vllm-rs"] as const) : [asked];
  for (const name of wanted) {
    const command = findProgram(name, environment["PATH"]);
    if (command !== undefined) return { name, command, args: [] };
  }
  const missing = asked === "auto" ? "neither vllm nor vllm-rs is" : `${asked} is not`;
  throw new CliError("engine_missing", `${missing} on PATH.\n${installAdvice(environment)}`);
}

/** How to get an engine, in two lines. */
function installAdvice(environment: Environment): string {
  return [
    `  Install vLLM with its gRPC server:  ${INSTALL_LINE}`,
    `  Or try without it and without GPU:  ${ownCommand(environment)} --enable-router-as-api-server --engine simulator`,
  ].join("\n");
}

const CHECK_TIMEOUT_MS = 30_000;
const MODULE_MISSING = 3;

/**
 * Asks the Python of the `vllm` program whether the gRPC server's package is there; without an answer it is taken to be.
 * @throws CliError engine_without_grpc with the line that installs it
 */
export async function checkGrpcExtra(program: EngineProgram, environment: Environment): Promise<void> {
  const python = program.name === "vllm" ? pythonOf(program.command) : undefined;
  if (python === undefined) return;
  const code = `import importlib.util, sys; sys.exit(0 if importlib.util.find_spec("smg_grpc_servicer") else ${MODULE_MISSING})`;
  const exitCode = await new Promise<unknown>((resolve) => {
    execFile(python, ["-c", code], { timeout: CHECK_TIMEOUT_MS }, (error) => {
      resolve(error?.code);
    });
  });
  if (exitCode === MODULE_MISSING) {
    throw new CliError(
      "engine_without_grpc",
      `${program.command} is there, but not its gRPC server.\n${installAdvice(environment)}`,
    );
  }
}

/** The interpreter in the first line of a Python console script. */
function pythonOf(program: string): string | undefined {
  let head: string;
  try {
    head = readFileSync(realpathSync(program), "latin1").slice(0, 512);
  } catch {
    return undefined;
  }
  const interpreter = /^#!\s*(\S+)/.exec(head)?.[1];
  return interpreter !== undefined && basename(interpreter).startsWith("python") ? interpreter : undefined;
}

/** What to do, when the last lines of an engine show a known cause. */
export function engineAdvice(lastLines: readonly string[], environment: Environment): string | undefined {
  const text = lastLines.join("\n");
  if (text.includes("smg-grpc-servicer") || text.includes("smg_grpc_servicer")) {
    return `vLLM's gRPC server is missing or does not fit.\n${installAdvice(environment)}`;
  }
  if (/unrecognized arguments:.*--grpc/.test(text)) {
    return `This vLLM is too old for --grpc.\n${installAdvice(environment)}`;
  }
  return undefined;
}
