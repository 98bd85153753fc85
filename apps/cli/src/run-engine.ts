import { CliError } from "./cli-error.ts";
import { findEngineProgram, INSTALL_LINE } from "./engine-program.ts";
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
