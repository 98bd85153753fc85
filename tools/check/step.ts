import { spawn } from "node:child_process";
import { childEnvironment, root } from "../bootstrap/environment.mjs";

/** What one check found. */
export interface StepResult {
  /** How many checks or tests passed. */
  passed: number;
  /** How many failed; 0 means the step is green. */
  failed: number;
  /** What the reader has to see when something failed; empty when it was printed already. */
  report: string;
}

/** One part of `npm test`. */
export interface Step {
  /** Short name, also for `--only`. */
  name: string;
  run(): Promise<StepResult>;
}

/** Output of a finished command. */
export interface CommandResult {
  /** Exit code; 127 when the command does not exist. */
  code: number;
  /** Standard output and standard error, interleaved; empty when `isShown`. */
  output: string;
}

/** How a command is run. */
export interface CommandOptions {
  /** Working folder relative to the top of the repository; default the top. */
  folder?: string;
  /** Pass the output through instead of keeping it; default false. */
  isShown?: boolean;
}

/** Runs a command from the workspace's own tools. Never rejects. */
export function runCommand(
  command: string,
  args: readonly string[],
  { folder = ".", isShown = false }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: `${root}/${folder}`,
      env: { ...childEnvironment(), ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }) },
      stdio: ["ignore", isShown ? "inherit" : "pipe", isShown ? "inherit" : "pipe"],
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("error", (error) => resolve({ code: 127, output: `${output}${error.message}\n` }));
    child.on("close", (code) => resolve({ code: code ?? 1, output }));
  });
}

/** A check that is nothing but one command: it passes when the command exits with 0. */
export function commandStep(name: string, command: string, args: readonly string[]): Step {
  return {
    name,
    async run() {
      const { code, output } = await runCommand(command, args);
      return code === 0 ? { passed: 1, failed: 0, report: "" } : { passed: 0, failed: 1, report: output };
    },
  };
}

/** A check that collects complaints: it passes when there are none. */
export function complaintStep(name: string, collect: () => string[] | Promise<string[]>): Step {
  return {
    name,
    async run() {
      const complaints = await collect();
      return {
        passed: complaints.length === 0 ? 1 : 0,
        failed: complaints.length === 0 ? 0 : 1,
        report: complaints.join("\n"),
      };
    },
  };
}
