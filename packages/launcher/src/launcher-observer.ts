import type { ProcessState } from "./process-state.ts";

/** How a process ended. */
export interface ProcessExit {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Whether it was told to end before it did. */
  readonly asked: boolean;
  /** The last lines of its output, oldest first. */
  readonly lastLines: readonly string[];
}

/** What the launcher tells its caller, who turns it into log lines. Every method is optional. */
export interface LauncherObserver {
  /** A process went from one state to another. */
  stateChanged?(name: string, state: ProcessState): void;
  /** A line of output, without its line end. */
  line?(name: string, stream: "stdout" | "stderr", text: string): void;
  /** A process ended; with `restartInMs` it will be started again. */
  exited?(name: string, exit: ProcessExit, restartInMs: number | undefined): void;
  /** What a process left behind had to be ended: how many processes. */
  sweptLeftovers?(name: string, count: number): void;
  /** The guard died and was started again. */
  guardRestarted?(): void;
}
