import { spawn, type ChildProcess } from "node:child_process";
import { openSync, readdirSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { procStat, procText } from "./proc-stat.ts";

/** Core of the router under test. */
export const ROUTER_CORE = process.env["ROUTER_CORE"] ?? "0";
/** Core of engine and load generator. */
export const LOAD_CORE = process.env["LOAD_CORE"] ?? "1";

const living = new Set<PinnedProcess>();

process.on("exit", () => {
  for (const running of living) {
    running.kill("SIGKILL");
  }
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => process.exit(1));
}

/** How a program is started. */
export interface PinnedOptions {
  readonly core: string;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** File that output is appended to; thrown away when not given. */
  readonly logPath?: string;
}

/** A program on a core of its own, ended with this one. */
export class PinnedProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #isGone = false;

  constructor(options: PinnedOptions) {
    const output = options.logPath === undefined ? "ignore" : openSync(options.logPath, "a");
    this.#child = spawn("taskset", ["-c", options.core, ...options.command], {
      stdio: ["ignore", output, output],
      env: { ...process.env, ...options.environment },
    });
    this.#ended = new Promise((resolve) => {
      const gone = (): void => {
        this.#isGone = true;
        living.delete(this);
        resolve();
      };
      this.#child.once("exit", gone);
      this.#child.once("error", gone);
    });
    living.add(this);
  }

  /** True when it has ended. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Process id; 0 when it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends it, after three seconds by force. */
  async stop(): Promise<void> {
    this.kill("SIGTERM");
    await Promise.race([this.#ended, pause(3000)]);
    if (!this.#isGone) {
      this.kill("SIGKILL");
      await this.#ended;
    }
  }

  /** Its process id and those of everything below it. */
  tree(): readonly number[] {
    return familyOf(this.pid);
  }

  /** Resident memory of the tree in MB; 0 for what has ended. */
  residentMegabytes(): number {
    const kilobytes = this.tree().reduce((sum, pid) => sum + residentKilobytes(pid), 0);
    return Math.round(kilobytes / 1024);
  }

  /** CPU time of the tree so far, seconds. */
  cpuSeconds(): number {
    return this.tree().reduce((sum, pid) => sum + cpuSecondsOf(pid), 0);
  }
}

function familyOf(pid: number): number[] {
  const family = [pid];
  for (const thread of entries(`/proc/${pid}/task`)) {
    const children = procText(`/proc/${pid}/task/${thread}/children`).split(" ").filter(Boolean);
    family.push(...children.flatMap((child) => familyOf(Number(child))));
  }
  return family;
}

function residentKilobytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/u.exec(procText(`/proc/${pid}/status`))?.[1] ?? 0);
}

function cpuSecondsOf(pid: number): number {
  const { user = 0, kernel = 0 } = procStat(`/proc/${pid}`) ?? {};
  return (user + kernel) / 100;
}

function entries(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}
