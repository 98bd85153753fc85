import { spawn, type ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterEach, describe, expect, it } from "vitest";

import { createLauncher, type LauncherObserver, type ProcessExit, type ProcessSpec } from "../src/index.ts";

const node = process.execPath;

/** A child in JavaScript. */
function script(code: string, extra: Partial<ProcessSpec> = {}): ProcessSpec {
  return {
    name: "child",
    command: node,
    args: ["-e", code],
    environment: { PATH: process.env["PATH"] },
    probe: { kind: "none" },
    ...extra,
  };
}

const stayAlive = "setInterval(() => {}, 1000);";
const ignoreTerm = "process.on('SIGTERM', () => console.log('no'));";
/** Starts a grandchild in a session of its own and prints its pid. */
const grandchild = `
  const child = require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(ignoreTerm + stayAlive)}],
    { detached: true, stdio: 'ignore' });
  console.log('grandchild ' + child.pid);`;

class Lines implements LauncherObserver {
  readonly lines: string[] = [];
  readonly states: string[] = [];
  readonly exits: ProcessExit[] = [];
  guardRestarts = 0;
  swept = 0;
  #wake: (() => void)[] = [];
  line(_name: string, _stream: string, text: string): void {
    this.lines.push(text);
    for (const wake of this.#wake.splice(0)) wake();
  }
  stateChanged(_name: string, state: string): void {
    this.states.push(state);
  }
  exited(_name: string, exit: ProcessExit): void {
    this.exits.push(exit);
  }
  sweptLeftovers(_name: string, count: number): void {
    this.swept += count;
  }
  guardRestarted(): void {
    this.guardRestarts++;
  }
  /** Resolves with the first line that matches. */
  async find(pattern: RegExp): Promise<RegExpMatchArray> {
    for (;;) {
      for (const line of this.lines) {
        const match = line.match(pattern);
        if (match !== null) return match;
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // One that ended and waits to be reaped by init is not alive.
    return process.platform !== "linux" || !/^State:\tZ/m.test(readStatus(pid));
  } catch {
    return false;
  }
}

/** Waits until the process is gone; the test's own timeout is the deadline. */
async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Pids of this process's guards. */
function guards(): readonly number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && readStatus(pid).includes(`PPid:\t${process.pid}\n`))
    .filter((pid) => readCommand(pid).includes("guard-main"));
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

function readCommand(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}

describe("a supervised process", () => {
  it("is ready when it answers over HTTP, and not before", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    // Answers 503 until it has been asked three times.
    const code = `
      let asked = 0;
      const server = require('node:http').createServer((_, response) => {
        response.writeHead(++asked > 3 ? 200 : 503).end();
        console.log('asked ' + asked);
      }).listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));`;
    const first = await launcher.start(script(code));
    const [, port = ""] = await seen.find(/^port (\d+)$/);
    const probe = { kind: "http" as const, url: `http://127.0.0.1:${port}/health` };
    const second = await launcher.start(script(stayAlive, { name: "asker", probe }));
    expect(second.state).toBe("starting");
    await second.ready;
    expect(second.state).toBe("ready");
    await seen.find(/^asked 4$/);
    await launcher.stopAll(5_000);
    expect(first.state).toBe("exited");
  });

  it("that dies at the start says so with its last lines", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const code = "for (let i = 0; i < 50; i++) console.error('line ' + i); process.exitCode = 3;";
    const probe = { kind: "http" as const, url: "http://127.0.0.1:1/" };
    const child = await launcher.start(script(code, { probe, keptLines: 2 }));
    await expect(child.ready).rejects.toMatchObject({
      code: "exited_early",
      message: "child ended before it was ready (exit code 3)",
    });
    expect(await child.exited).toEqual({
      code: 3,
      signal: null,
      asked: false,
      lastLines: ["line 48", "line 49"],
    });
  });

  it("that never answers fails after its time", async () => {
    await using launcher = createLauncher({});
    const probe = { kind: "http" as const, url: "http://127.0.0.1:1/" };
    const child = await launcher.start(script(stayAlive, { probe, readyTimeoutMs: 1 }));
    await expect(child.ready).rejects.toMatchObject({ code: "not_ready_in_time" });
  });

  it("that does not exist is named", async () => {
    await using launcher = createLauncher({});
    const spec = { ...script(""), command: "no-such-program" };
    await expect(launcher.start(spec)).rejects.toMatchObject({
      code: "program_missing",
      message: "child: the program no-such-program was not found",
    });
  });

  it("gets SIGTERM and may take its time", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const code = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); console.log('up'); ${stayAlive}`;
    const child = await launcher.start(script(code));
    await seen.find(/^up$/);
    expect(await child.stop(10_000)).toMatchObject({ code: 0, asked: true, lastLines: ["up", "bye"] });
    expect(seen.states).toEqual(["starting", "ready", "stopping", "exited"]);
  });

  it("that ignores SIGTERM is killed after the grace", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const child = await launcher.start(script(`${ignoreTerm} console.log('up'); ${stayAlive}`));
    await seen.find(/^up$/);
    expect(await child.stop(100)).toMatchObject({ signal: "SIGKILL", asked: true });
  });

  it("is killed at once by a second stop without grace", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const child = await launcher.start(script(`${ignoreTerm} ${grandchild} console.log('up'); ${stayAlive}`));
    const [, pid = ""] = await seen.find(/^grandchild (\d+)$/);
    const patient = launcher.stopAll(3_600_000);
    await seen.find(/^no$/);
    await launcher.stopAll(0);
    await patient;
    expect((await child.exited).signal).toBe("SIGKILL");
    await untilGone(Number(pid));
  });

  it("leaves nothing behind, not even what left its session", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const child = await launcher.start(script(`${grandchild} process.exit(1);`));
    const [, pid = ""] = await seen.find(/^grandchild (\d+)$/);
    expect((await child.exited).code).toBe(1);
    await child.stop(0);
    expect(isAlive(Number(pid))).toBe(false);
    expect(seen.swept).toBe(1);
  });

  it("is started again as often as its policy says", async () => {
    const seen = new Lines();
    await using launcher = createLauncher(seen);
    const restart = { maxRestarts: 2, backoffMs: 1 };
    const probe = { kind: "http" as const, url: "http://127.0.0.1:1/" };
    const child = await launcher.start(script("process.exitCode = 1", { restart, probe }));
    await child.exited;
    expect(seen.exits).toHaveLength(3);
    expect(seen.states).toEqual("starting backoff starting backoff starting exited".split(" "));
  });
});

describe.runIf(process.platform === "linux")("the guard", () => {
  const parents: ChildProcess[] = [];
  afterEach(() => {
    for (const parent of parents.splice(0)) parent.kill("SIGKILL");
  });

  /** Starts a parent with a child and a grandchild, and gives the pids of the two. */
  async function startParent(): Promise<{ parent: ChildProcess; pids: readonly number[] }> {
    const code = `${ignoreTerm} ${grandchild} console.log('child ' + process.pid); ${stayAlive}`;
    const program = fileURLToPath(new URL("__fixtures__/orphan-parent.ts", import.meta.url));
    const args = ["--conditions=@vllm-router/source", "--no-warnings", program, node, "-e", code];
    const parent = spawn(node, args, { stdio: ["ignore", "pipe", "inherit"] });
    parents.push(parent);
    const seen = new Lines();
    let rest = "";
    parent.stdout.setEncoding("utf8").on("data", (text: string) => {
      rest += text;
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) seen.line("", "stdout", line);
    });
    const [, grandchildPid = ""] = await seen.find(/^grandchild (\d+)$/);
    const [, childPid = ""] = await seen.find(/^child (\d+)$/);
    return { parent, pids: [Number(childPid), Number(grandchildPid)] };
  }

  it("ends everything when the parent is killed", async () => {
    const { parent, pids } = await startParent();
    expect(pids.map(isAlive)).toEqual([true, true]);
    parent.kill("SIGKILL");
    for (const pid of pids) await untilGone(pid);
  });

  it("is replaced when it is killed", async () => {
    const seen = new Lines();
    const before = guards();
    await using launcher = createLauncher(seen);
    const child = await launcher.start(script(`console.log('up'); ${stayAlive}`));
    await seen.find(/^up$/);
    const [first] = guards().filter((pid) => !before.includes(pid));
    process.kill(first ?? 0, "SIGKILL");
    while (seen.guardRestarts === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const [second] = guards().filter((pid) => !before.includes(pid) && pid !== first);
    expect(second).toBeDefined();
    await child.stop(0);
  });
});
