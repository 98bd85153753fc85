import { helpText } from "./help.ts";
import { readPlan } from "./read-plan.ts";
import { runUnchanged } from "./run-engine.ts";
import { runHeadless } from "./run-headless.ts";
import { serveLocally } from "./serve-locally.ts";
import type { Terminal } from "./terminal.ts";

const DEFAULT_WIDTH = 100;

/**
 * Carries out a command line.
 * @param version shown by `--version`
 * @returns the exit code, unless another program took the place of this one
 * @throws CliError, ConfigError, LauncherError with messages for the terminal
 */
export async function run(argv: readonly string[], terminal: Terminal, version: string): Promise<number> {
  const plan = readPlan(argv, terminal);
  switch (plan.kind) {
    case "help":
      terminal.out(helpText(terminal.width ?? DEFAULT_WIDTH));
      return 0;
    case "version":
      terminal.out(`vllm-serve ${version}`);
      return 0;
    case "unchanged":
      return runUnchanged(plan.argv, terminal);
    case "headless":
      return runHeadless(plan, terminal);
    case "local":
      return serveLocally(plan, terminal);
  }
}
