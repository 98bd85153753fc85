import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import type { Family } from "./process-family.ts";

/** The small process that ends the families given to it when this process is gone. */
export interface Guard {
  /** Watches a family; called again when more of it is known. */
  watch(family: Family): void;
  /** Nothing is left of a family. */
  unwatch(family: Family): void;
  /** Lets the guard end; it ends whatever is still watched. Resolves when it is gone. */
  close(): Promise<void>;
}

const MAX_RESTARTS = 10;

/**
 * Starts the guard: a process in a session of its own whose standard input is a pipe from this one. At its end of file,
 * be it by SIGKILL of this process, it ends every family it watches.
 * @param onRestart called when the guard died and another took its place
 */
export function startGuard(onRestart: () => void): Guard {
  return new PipeGuard(onRestart);
}

class PipeGuard implements Guard {
  readonly #families = new Map<string, Family>();
  readonly #onRestart: () => void;
  #child: ChildProcess;
  #restarts = 0;
  #closing = false;

  constructor(onRestart: () => void) {
    this.#onRestart = onRestart;
    this.#child = this.#start();
  }

  watch(family: Family): void {
    this.#families.set(family.mark, family);
    this.#send({ watch: family });
  }

  unwatch(family: Family): void {
    this.#families.delete(family.mark);
    this.#send({ unwatch: family.mark });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    await new Promise<void>((resolve) => {
      child.once("exit", () => {
        resolve();
      });
      child.stdin?.end();
    });
  }

  #start(): ChildProcess {
    // Runs from dist, and from the sources in tests: Node strips the types.
    const program = fileURLToPath(
      import.meta.url.endsWith(".ts")
        ? new URL("./guard-main.ts", import.meta.url)
        : new URL("./guard-main.js", import.meta.url),
    );
    const child = spawn(process.execPath, ["--no-warnings", program], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
      cwd: "/",
    });
    child.unref();
    // A pipe to a dead guard: the exit handler starts another.
    child.stdin?.on("error", () => undefined);
    child.once("error", () => {
      this.#replace();
    });
    child.once("exit", () => {
      this.#replace();
    });
    return child;
  }

  #replace(): void {
    if (this.#closing || this.#restarts >= MAX_RESTARTS) return;
    this.#restarts++;
    this.#child = this.#start();
    for (const family of this.#families.values()) this.#send({ watch: family });
    this.#onRestart();
  }

  #send(message: { watch: Family } | { unwatch: string }): void {
    this.#child.stdin?.write(`${JSON.stringify(message)}\n`);
  }
}
