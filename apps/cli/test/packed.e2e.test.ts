import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { childrenOf, freePort, isAlive, RunningProgram, until } from "./running-program.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const run = promisify(execFile);

/** The Node that runs the tests, and the pnpm of this repository, wherever the machine has others. */
const folders = [
  dirname(process.execPath),
  join(root, ".tools/node_modules/.bin"),
  process.env["PATH"] ?? "",
];
const env = { ...process.env, NODE_OPTIONS: "", PATH: folders.join(delimiter) };

/** npm fetches what its cache lacks, on a machine that is busy with other tests. */
const INSTALL_TIMEOUT_MS = 180_000;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** An empty folder into which npm installed every package as it would be published. */
let folder: string;
let manifests: readonly Manifest[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "vllm-router-installed-"));
  const archives = join(folder, "archives");
  mkdirSync(archives);
  await run(
    "pnpm",
    ["-r", "--filter=./packages/*", "--filter=./apps/*", "pack", `--pack-destination=${archives}`],
    { cwd: root, env },
  );
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "installed", private: true }));
  const files = readdirSync(archives).map((file) => `./archives/${file}`);
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...files], {
    cwd: folder,
    env,
  });
  const { dependencies } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  manifests = Object.keys(dependencies ?? {}).map(
    (name) =>
      JSON.parse(readFileSync(join(folder, "node_modules", name, "package.json"), "utf8")) as Manifest,
  );
}, INSTALL_TIMEOUT_MS);

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function npx(...args: readonly string[]): Promise<string> {
  const { stdout } = await run("npx", ["--no-install", ...args], { cwd: folder, env });
  return stdout;
}

describe("packages installed from their archives", { timeout: 90_000 }, () => {
  it("name each other by version", () => {
    const folders = ["packages", "apps"].flatMap((parent) => readdirSync(join(root, parent)));
    expect(manifests).toHaveLength(folders.length);
    for (const { name, dependencies = {} } of manifests) {
      for (const [dependency, range] of Object.entries(dependencies)) {
        expect(range, `${name} needs ${dependency}`).toMatch(/^\^?\d/);
      }
    }
  });

  it("can be imported by every entry, without our export condition", async () => {
    const entries = manifests.flatMap(({ name, exports }) =>
      Object.keys(exports)
        .filter((entry) => entry !== "./package.json")
        .map((entry) => name + entry.slice(1)),
    );
    expect(entries).toContain("@vllm-router/proto/messages");
    expect(entries).toContain("@vllm-router/proto/services");
    const script = `const counts = {};
      for (const entry of ${JSON.stringify(entries)}) counts[entry] = Object.keys(await import(entry)).length;
      console.log(JSON.stringify(counts));`;
    const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script], {
      cwd: folder,
      env,
    });
    const counts = JSON.parse(stdout) as Readonly<Record<string, number>>;
    expect(Object.keys(counts)).toEqual(entries);
    expect(Object.entries(counts).filter(([, count]) => count === 0)).toEqual([]);
  });

  it("have programs with help and version", async () => {
    expect(await npx("vllm-serve", "--version")).toMatch(/^vllm-serve \d+\.\d+\.\d+\n$/);
    expect(await npx("vllm-serve", "--help")).toContain("Usage: vllm-serve");
    expect(await npx("vllm-router", "--version")).toMatch(/^vllm-router \d+\.\d+\.\d+\n$/);
    expect(await npx("vllm-router", "--help")).toContain("--worker-urls");
  });

  it("serve, and leave nothing behind", async () => {
    const port = await freePort();
    const program = join(folder, "node_modules/.bin/vllm-serve");
    const args = ["--demo", `--port=${port}`, "--router-prometheus-port=0"];
    await using running = new RunningProgram(args, {}, program);
    await until("the service is healthy", async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
      return response?.status === 200;
    });
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ messages: [{ role: "user", content: "Hello!" }], max_tokens: 8 }),
    });
    const answer = (await response.json()) as {
      readonly choices: readonly { readonly message: { readonly content: string } }[];
    };
    expect(response.status).toBe(200);
    expect(answer.choices[0]?.message.content).not.toBe("");

    const children = childrenOf(running.pid);
    expect(children).toHaveLength(4); // guard, router, two engines
    expect(children.filter(({ command }) => !command.includes(folder))).toEqual([]);
    running.signal("SIGTERM");
    expect(await running.exit()).toBe(0);
    expect(children.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });
});
