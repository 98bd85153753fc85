import { isPortFree } from "@vllm-router/launcher";

import { CliError } from "./cli-error.ts";
import { engineCommand } from "./engine-command.ts";
import { checkGrpcExtra, findEngineProgram, INSTALL_LINE } from "./engine-program.ts";
import type { HeadlessPlan } from "./plan.ts";
import { replaceProcess } from "./replace-process.ts";
import { ownCommand, type Terminal } from "./terminal.ts";

/**
 * Becomes `vllm serve` with the same arguments.
 * @throws CliError engine_missing
 */
export function runUnchanged(argv: readonly string[], terminal: Terminal): never {
  try {
    const program = findEngineProgram("vllm", terminal.environment);
    return replaceProcess(program.command, ["serve", ...argv], terminal.environment);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "engine_missing") throw error;
    const message = [
      "without a mode this is `vllm serve`, but vllm is not on PATH.",
      `  Install vLLM with its gRPC server:  ${INSTALL_LINE}`,
      `  Or see two simulated engines:       ${ownCommand(terminal.environment)} --demo`,
    ].join("\n");
    throw new CliError("engine_missing", message, { cause: error });
  }
}

/**
 * Becomes an engine that listens for routers on other machines.
 * @throws CliError engine_missing, engine_without_grpc, port_in_use
 */
export async function runHeadless(plan: HeadlessPlan, terminal: Terminal): Promise<never> {
  const program = findEngineProgram(plan.engine, terminal.environment);
  await checkGrpcExtra(program);
  // gRPC servers let two processes share a port without a word, so it is looked at first.
  if (!(await isPortFree(plan.host, plan.port))) {
    const message = `port ${plan.port} on ${plan.host} is in use by another program; choose another with --port`;
    throw new CliError("port_in_use", message);
  }
  const { args } = engineCommand(program, plan, { host: plan.host, port: plan.port });
  terminal.error(
    `vllm-serve: warning: ${plan.host}:${plan.port} has no authentication and no encryption; keep it inside a private network`,
  );
  return replaceProcess(program.command, args, terminal.environment);
}
