import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const builtProgram = fileURLToPath(new URL("../bin/vllm-serve.js", import.meta.url));

/** How long any single wait may take. */
const DEADLINE_MS = 30_000;

/** The built `vllm-serve` as a child process. */
export class RunningProgram implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #lines: string[] = [];
  readonly #exit: Promise<number | null>;
  #wake: (() => void)[] = [];
  #isOver = false;

  /**
   * @param environment replaces variables of this process; PATH is one of them
   * @param program another `vllm-serve` than the one built here
   */
  constructor(
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
    program: string = builtProgram,
  ) {
    this.child = spawn(process.execPath, [program, ...args], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      let rest = "";
      stream?.setEncoding("utf8").on("data", (text: string) => {
        const lines = (rest + text).split("\n");
        rest = lines.pop() ?? "";
        this.#lines.push(...lines);
        for (const wake of this.#wake.splice(0)) wake();
      });
    }
    this.#exit = once(this.child, "close").then(([code]) => {
      this.#isOver = true;
      for (const wake of this.#wake.splice(0)) wake();
      return code as number | null;
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get output(): string {
    return this.#lines.join("\n");
  }

  /** Resolves with the first line that matches. */
  async line(pattern: RegExp): Promise<RegExpMatchArray> {
    return before(`a line like ${pattern}`, this, async () => {
      for (;;) {
        for (const line of this.#lines) {
          const match = line.match(pattern);
          if (match !== null) return match;
        }
        if (this.#isOver) throw new Error(`ended without a line like ${pattern}; output:\n${this.output}`);
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
    });
  }

  /** Resolves with the exit code; null after a signal. */
  exit(): Promise<number | null> {
    return before("the exit", this, () => this.#exit);
  }

  signal(name: NodeJS.Signals): void {
    this.child.kill(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.signal("SIGKILL");
    await this.exit();
  }
}

/** Fails with what was waited for and what the program printed. */
async function before<T>(what: string, running: RunningProgram, wait: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`waited in vain for ${what}; output:\n${running.output}`));
    }, DEADLINE_MS);
  });
  try {
    return await Promise.race([wait(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks again until the answer is true. */
export async function until(what: string, ask: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineAtMs = performance.now() + DEADLINE_MS;
  while (!(await ask())) {
    if (performance.now() > deadlineAtMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** A port nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Pids of the living children of a process (Linux). */
export function childrenOf(pid: number): readonly { pid: number; command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => read(`/proc/${name}/status`).includes(`PPid:\t${pid}\n`))
    .map((name) => ({
      pid: Number(name),
      command: read(`/proc/${name}/cmdline`).replaceAll("\0", " "),
    }));
}

/** Whether a process runs; one that waits to be reaped does not. */
export function isAlive(pid: number): boolean {
  const status = read(`/proc/${pid}/status`);
  return status !== "" && !/^State:\t[ZX]/m.test(status);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
