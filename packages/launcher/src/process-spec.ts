import type { ReadinessProbe } from "./readiness.ts";

/** A process to run. */
export interface ProcessSpec {
  /** Shown to people: `engine 0`. */
  readonly name: string;
  /** Path of the program, or a name to be looked up in PATH. */
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly workingDirectory?: string;
  readonly probe: ReadinessProbe;
  /** It is asked only after this; for one that cannot be ready before others are. Default at once. */
  readonly probeAfter?: Promise<unknown>;
  /** Longest time to the first good answer, in milliseconds; default no limit, since large models load for long. */
  readonly readyTimeoutMs?: number;
  /** How many lines of output are kept; default 40. */
  readonly keptLines?: number;
  /** Start it again when it ends unasked; default never. */
  readonly restart?: RestartPolicy;
}

/** When and how often a process is started again. */
export interface RestartPolicy {
  /** Most restarts without being ready in between. */
  readonly maxRestarts: number;
  /** Pause before the first restart, doubled each time, in milliseconds. */
  readonly backoffMs: number;
}
