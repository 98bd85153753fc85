import { createLauncher, describeExit, isPortFree, onStopSignal } from "@vllm-router/launcher";

import { CliError } from "./cli-error.ts";
import { engineCommand } from "./engine-command.ts";
import { checkGrpcExtra, engineAdvice, findEngineProgram } from "./engine-program.ts";
import type { HeadlessPlan } from "./plan.ts";
import { createReporter } from "./reporter.ts";
import type { Terminal } from "./terminal.ts";

/** Longest time the engine may take to end its streams after the first signal. */
const ENGINE_GRACE_MS = 20_000;

/**
 * Runs an engine that listens for routers on other machines, until a signal or its own end. It stays a child, so that
 * the guard can end it with everything it started even when this process is killed.
 * @returns the exit code: 0 after a signal, that of the engine (never 0) when it died, 130 after a second signal
 * @throws CliError engine_missing, engine_without_grpc, port_in_use
 */
export async function runHeadless(plan: HeadlessPlan, terminal: Terminal): Promise<number> {
  const program = findEngineProgram(plan.engine, terminal.environment);
  await checkGrpcExtra(program, terminal.environment);
  // gRPC servers let two processes share a port without a word, so it is looked at first.
  if (!(await isPortFree(plan.host, plan.port))) {
    const message = `port ${plan.port} on ${plan.host} is in use by another program; choose another with --port`;
    throw new CliError("port_in_use", message);
  }
  const command = engineCommand(program, plan, { host: plan.host, port: plan.port });
  terminal.error(
    `vllm-serve: warning: ${plan.host}:${plan.port} has no authentication and no encryption; keep it inside a private network`,
  );

  await using launcher = createLauncher(createReporter(terminal));
  let signals = 0;
  onStopSignal((signal, count) => {
    signals = count;
    terminal.error(
      `vllm-serve: ${signal}${count > 1 ? " again: stopping at once" : ": the engine ends its streams, then stops"}`,
    );
    void launcher.stopAll(count > 1 ? 0 : ENGINE_GRACE_MS);
  });
  const engine = await launcher.start({
    name: "engine",
    command: program.command,
    args: command.args,
    environment: terminal.environment,
    probe: command.probe,
  });
  // Whether it became ready is the reporter's news; its end is what counts here.
  engine.ready.catch(() => undefined);
  const exit = await engine.exited;
  if (exit.asked) {
    return signals > 1 ? 130 : 0;
  }
  terminal.error(`vllm-serve: the engine ended unexpectedly (${describeExit(exit)})`);
  const advice = engineAdvice(exit.lastLines, terminal.environment);
  if (advice !== undefined) {
    terminal.error(`vllm-serve: ${advice}`);
  }
  return exit.code === null || exit.code === 0 ? 1 : exit.code;
}
