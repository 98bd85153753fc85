import { startGuard, type Guard } from "./guard.ts";
import type { LauncherObserver } from "./launcher-observer.ts";
import type { ProcessSpec } from "./process-spec.ts";
import { startProcess, type SupervisedProcess } from "./supervised-process.ts";

/** Runs processes and ends them all. */
export interface Launcher extends AsyncDisposable {
  /**
   * Starts a process in a session of its own.
   * @throws LauncherError program_missing, spawn_failed
   */
  start(spec: ProcessSpec): Promise<SupervisedProcess>;
  /**
   * Ends all processes, the last started first, each with the grace (milliseconds) before SIGKILL. Resolves when nothing
   * is left of them. Called again with 0 while it runs, it kills all at once.
   */
  stopAll(graceMs: number): Promise<void>;
}

/** Creates a launcher with its guard. Disposing it ends every process and the guard. */
export function createLauncher(observer: LauncherObserver): Launcher {
  const processes: SupervisedProcess[] = [];
  let guard: Guard | undefined;

  const stopAll = async (graceMs: number): Promise<void> => {
    if (graceMs === 0) {
      await Promise.all(processes.map((supervised) => supervised.stop(0)));
      return;
    }
    for (const supervised of processes.toReversed()) await supervised.stop(graceMs);
  };

  return {
    async start(spec) {
      guard ??= startGuard(() => observer.guardRestarted?.());
      const supervised = await startProcess(spec, { observer, guard });
      processes.push(supervised);
      return supervised;
    },
    stopAll,
    async [Symbol.asyncDispose]() {
      await stopAll(0);
      await guard?.close();
    },
  };
}
