import { spawn, type ChildProcess } from "node:child_process";
import { randomUUID } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { markedProcesses } from "./marked-processes.ts";

/** Root of the repository. */
export const REPOSITORY = join(import.meta.dirname, "..", "..", "..");

/** The environment that `setup` builds. */
export const REAL_VLLM =
  process.env["VLLM_ENV_DIR"] ??
  join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "vllm-router", "real-vllm");

/** Flags that make a real engine small and its numbers repeatable, as in the recordings. */
export const ENGINE_FLAGS = [
  "--dtype",
  "float32",
  "--enforce-eager",
  "--max-model-len",
  "2048",
  "--max-num-seqs",
  "16",
  "--seed",
  "0",
] as const;

/** Name of the variable that every process started for a program inherits. */
const MARK_VARIABLE = "VLLM_ROUTER_TEST_MARK";

/** Lines of output kept for a failure's message. */
const KEPT_LINES = 80;

/** A program of ours, running with engines of its own. */
export interface RunningProgram {
  readonly child: ChildProcess;
  /** Last lines of both outputs, for messages. */
  output(): string;
  /** Waits until `url` answers 200. @throws Error with the output when the program ends or the time is over */
  ready(url: string, timeoutMs: number): Promise<void>;
  /** Sends a signal and waits for the end. @returns exit code, or the signal's name */
  stop(signal: NodeJS.Signals, timeoutMs: number): Promise<number | string>;
  /** Processes that still carry this program's mark: itself, engines, their workers, the guard. */
  left(): readonly string[];
  /** Waits until nothing carries the mark. @throws Error naming what is left */
  nothingLeft(timeoutMs: number): Promise<void>;
}

const FOLDERS = {
  "vllm-serve": "apps/cli",
  "vllm-router": "apps/router",
  "vllm-simulator": "packages/simulator",
} as const;

/**
 * Starts `vllm-serve`, `vllm-simulator` or `vllm-router` from the build, or `vllm` or `vllm-rs` itself, with the real vLLM first on the
 * path.
 */
export function startProgram(
  name: keyof typeof FOLDERS | "vllm" | "vllm-rs",
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): RunningProgram {
  const mark = randomUUID();
  const [command, ...before] =
    name === "vllm" || name === "vllm-rs"
      ? [join(REAL_VLLM, "venv", "bin", name)]
      : [process.execPath, join(REPOSITORY, FOLDERS[name], "bin", `${name}.js`)];
  const child = spawn(command!, [...before, ...args], {
    cwd: join(REAL_VLLM, "models"),
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...engineEnvironment(), ...environment, [MARK_VARIABLE]: mark },
  });
  const lines: string[] = [];
  const keep = (chunk: Buffer): void => {
    lines.push(
      ...chunk
        .toString()
        .split("\n")
        .filter((line) => line !== ""),
    );
    lines.splice(0, lines.length - KEPT_LINES);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<number | string>((resolve) => {
    child.on("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
  const output = (): string => lines.join("\n");

  return {
    child,
    output,
    ready: async (url, timeoutMs) => {
      const deadlineAtMs = Date.now() + timeoutMs;
      while (Date.now() < deadlineAtMs) {
        if (child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`${name} ended before it was ready\n${output()}`);
        }
        const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
        if (answer?.status === 200) {
          return;
        }
        await pause(200);
      }
      throw new Error(`${name} was not ready within ${timeoutMs} ms\n${output()}`);
    },
    stop: async (signal, timeoutMs) => {
      child.kill(signal);
      const late = pause(timeoutMs).then(() => {
        throw new Error(`${name} did not end within ${timeoutMs} ms of ${signal}\n${output()}`);
      });
      late.catch(() => undefined);
      return Promise.race([ended, late]);
    },
    left: () => markedProcesses(MARK_VARIABLE, mark),
    nothingLeft: async (timeoutMs) => {
      const deadlineAtMs = Date.now() + timeoutMs;
      while (markedProcesses(MARK_VARIABLE, mark).length > 0) {
        if (Date.now() > deadlineAtMs) {
          throw new Error(`left behind:\n${markedProcesses(MARK_VARIABLE, mark).join("\n")}`);
        }
        await pause(100);
      }
    },
  };
}

function engineEnvironment(): Readonly<Record<string, string>> {
  return {
    HF_HUB_OFFLINE: "1",
    TRANSFORMERS_OFFLINE: "1",
    VLLM_NO_USAGE_STATS: "1",
    DO_NOT_TRACK: "1",
    VLLM_CPU_KVCACHE_SPACE: "1",
    VLLM_CPU_OMP_THREADS_BIND: "nobind",
    OMP_NUM_THREADS: "1",
    VLLM_RS_PYTHON: join(REAL_VLLM, "venv", "bin", "python"),
    PATH: `${join(REAL_VLLM, "venv", "bin")}:${process.env["PATH"] ?? ""}`,
  };
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, durationMs).unref();
  });
}
