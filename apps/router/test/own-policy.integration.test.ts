import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import { runReplay } from "../src/replay.ts";
import { eventually as eventuallyWithin, startRouter, type TestRouter } from "./start-router.ts";

const EXAMPLES = fileURLToPath(new URL("../../../examples/policies", import.meta.url));
/** A busy machine must not look like a slow policy. */
const PATIENT = ["--policy-budget-ms", "5000", "--policy-timeout-ms", "10000"];
const flags = (...more: readonly string[]): readonly string[] => [...PATIENT, "--enable-explain", ...more];
const FIRST = "export const policy = { name: 'own', score: (input, candidate) => -input.slots[candidate] };";
const LAST = "export default { name: 'own', score: (input, candidate) => input.slots[candidate] };";

/** A module is loaded by a new thread: seconds where all cores are busy. */
const LONG_TEST_MS = 90_000;
const eventually = (what: string, condition: () => boolean | Promise<boolean>): Promise<void> =>
  eventuallyWithin(what, condition, 20_000);

let directory: string;
let engines: readonly Simulator[];
let urls: readonly string[];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "own-policy-"));
  engines = await Promise.all([1, 2, 3].map(() => startSimulator({ speed: 0 })));
  urls = engines.map((engine) => `http://${engine.address}`);
});
afterAll(async () => {
  await Promise.all(engines.map((engine) => engine[Symbol.asyncDispose]()));
  await rm(directory, { recursive: true });
});

async function startWith(
  source: string,
  more: readonly string[] = [],
): Promise<readonly [TestRouter, string]> {
  const file = join(await mkdtemp(join(directory, "policy-")), "policy.ts");
  await writeFile(file, source);
  const router = await startRouter(urls, flags("--policy-file", file, ...more));
  return [router, file];
}

/** Policy and reason of one request's decision. */
async function decide(router: TestRouter, headers: Readonly<Record<string, string>> = {}) {
  const answer = await router.post(
    "/v1/completions",
    { prompt: "Once", max_tokens: 1 },
    { headers: { "x-vllm-router-explain": "1", ...headers } },
  );
  expect(answer.status).toBe(200);
  await answer.text();
  const id = answer.headers.get("x-vllm-router-decision")?.split(";", 1)[0];
  const decision = (await (await fetch(`${router.url}/debug/decisions/${id}`)).json()) as {
    summary: { policy: string; reason: string; worker: string };
  };
  return decision.summary;
}

const metrics = async (router: TestRouter): Promise<string> => (await fetch(`${router.url}/metrics`)).text();

describe("a policy of the user's own", { timeout: LONG_TEST_MS }, () => {
  it("decides, with types and all, and its decisions are replayed", async () => {
    const log = join(directory, "log.jsonl");
    const file = join(EXAMPLES, "tenant-turns.ts");
    {
      await using router = await startRouter(
        urls,
        flags("--policy-file", file, "--affinity-headers", "x-tenant", "--decision-log", log),
      );
      const visited = [];
      for (const tenant of ["a", "a", "a", "a", "b"]) {
        visited.push(await decide(router, { "x-tenant": tenant }));
      }
      expect(visited.map(({ policy, reason }) => [policy, reason])).toEqual(
        Array(5).fill(["tenant-turns", "turn"]),
      );
      const workers = visited.map(({ worker }) => worker);
      expect(new Set(workers.slice(0, 3)).size).toBe(3);
      expect(workers[3]).toBe(workers[0]);
      expect(workers[4]).toBe(workers[0]);
      expect(await metrics(router)).toContain("vllm_router_policy_file_active 1");
    }
    const tell: string[] = [];
    const output = { out: (text: string) => tell.push(text), error: (text: string) => tell.push(text) };
    expect(await runReplay([log, "--policy-file", file], output)).toBe(0);
    expect(tell).toEqual(["5 decisions, all decided again identically"]);
    expect(await runReplay([log], output)).toBe(1);
    expect(tell.at(-1)).toContain("5 unreadable");
  });

  it("can be the other example", async () => {
    await using router = await startRouter(urls, flags("--policy-file", join(EXAMPLES, "cheap-first.ts")));
    expect(await decide(router)).toMatchObject({ policy: "cheap-first", reason: "score" });
    await eventually("the log names it", () =>
      router.logs.some((line) => line["msg"] === "request" && line["policy"] === "cheap-first"),
    );
  });

  it("is loaded again when its file changes, also after it failed, and kept when the change is broken", async () => {
    const [router, file] = await startWith(FIRST);
    await using _ = router;
    const first = (await decide(router)).worker;
    await writeFile(file, LAST);
    await eventually("the change is used", async () => (await decide(router)).worker !== first);
    const last = (await decide(router)).worker;
    await writeFile(file, "export const policy = {");
    await eventually("the broken change is told", () => router.logText().includes("nothing changes"));
    expect(await decide(router)).toMatchObject({ policy: "own", worker: last });
    expect(await metrics(router)).toMatch(/policy_file_active 1\n/);
    await writeFile(file, "export const policy = { name: 'own', score: (input) => input.sequence && NaN };");
    await eventually("the failure is told", async () => {
      await decide(router);
      return router.logText().includes("until the file changes");
    });
    expect(await decide(router)).toMatchObject({ policy: "cache_aware" });
    await writeFile(file, FIRST);
    await eventually("it decides again", async () => (await decide(router)).policy === "own");
    expect((await decide(router)).worker).toBe(first);
  });

  it.each([
    ["throws", "exception", "if (input.sequence > 0) throw new TypeError('oh'); return 1"],
    ["gives no number", "bad_result", "return input.sequence > 0 ? undefined : 1"],
    ["never comes back", "timeout", "while (input.sequence > 0); return 1"],
    ["ends its thread", "exception", "if (input.sequence > 0) process.exit(3); return 1"],
  ])("gives way in the same decision when it %s, and says so", async (_name, fault, body) => {
    const source = `export const policy = { name: 'own', score: (input) => { ${body} } };`;
    // Short only where it is waited for.
    const timeoutMs = body.includes("while") || body.includes("exit") ? "200" : "10000";
    const [router] = await startWith(source, ["--policy", "round_robin", "--policy-timeout-ms", timeoutMs]);
    await using _ = router;
    expect(await decide(router)).toMatchObject({ policy: "round_robin", reason: "turn" });
    expect(await decide(router)).toMatchObject({ policy: "round_robin", reason: "turn" });
    const text = await metrics(router);
    expect(text).toMatch(/vllm_router_policy_file_active 0\n/);
    const told = /vllm_router_policy_file_faults_total\{fault="(\w+)"\} 1\n/.exec(text)?.[1];
    // A thread that ends itself may be found out by its absence or by its silence.
    expect(body.includes("exit") ? ["crash", "timeout", "exception"] : [fault]).toContain(told);
    expect(router.logText()).toContain("--policy decides until the file changes");
  });

  it("is disabled when it is too slow again and again", async () => {
    const busy = "const end = performance.now() + 20; while (performance.now() < end);";
    const source = `export const policy = { name: 'own', score: (input) => { if (input.sequence > 0) { ${busy} } return 1; } };`;
    const [router] = await startWith(source, ["--policy-timeout-ms", "10000", "--policy-budget-ms", "10"]);
    await using _ = router;
    const policies = [];
    for (let turn = 0; turn < 5; turn += 1) {
      policies.push((await decide(router)).policy);
    }
    expect(policies).toEqual(["own", "own", "own", "cache_aware", "cache_aware"]);
    expect(await metrics(router)).toContain('policy_file_faults_total{fault="overlong"} 1');
  });

  it.each([
    ["is not there", undefined, "cannot be read"],
    ["does not parse", "export const policy = {", "Unexpected"],
    ["exports nothing", "export const other = 1;", "exports no object named policy"],
    ["throws at its trial", "export const policy = { name: 'x', score() { throw new Error('oh'); } };", "oh"],
    ["ends its thread", "process.exit(1);", "ended its thread"],
  ])("stops the start when it %s", async (_name, source, message) => {
    const file = join(await mkdtemp(join(directory, "bad-")), "policy.ts");
    if (source !== undefined) {
      await writeFile(file, source);
    }
    await expect(startRouter(urls, ["--policy-file", file])).rejects.toMatchObject({
      code: "policy_file",
      message: expect.stringContaining(message) as string,
    });
  });

  it("leaves no thread behind", async () => {
    const [router, file] = await startWith(FIRST);
    await router[Symbol.asyncDispose]();
    expect(await readFile(file, "utf8")).toBe(FIRST);
    const threads = process
      .getActiveResourcesInfo()
      .filter((name) => name === "Worker" || name === "FSEventWrap");
    expect(threads).toEqual([]);
  });
});
