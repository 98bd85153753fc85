import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import type { ExplainedDecision } from "../src/decisions/explained-decision.ts";
import { runReplay } from "../src/replay.ts";
import { startHttpWorker } from "./http-worker.ts";
import { eventually, startRouter } from "./start-router.ts";

const EXPLAIN = { headers: { "x-vllm-router-explain": "1" } };
const question = {
  messages: [{ role: "user", content: `Explain yourself. ${"Routers route. ".repeat(40)}` }],
  max_tokens: 8,
  temperature: 0,
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "decisions-"));
});
afterAll(() => rm(directory, { recursive: true }));

async function replay(path: string): Promise<{ status: number; told: string }> {
  let told = "";
  const tell = (text: string): void => void (told += `${text}\n`);
  const status = await runReplay([path], { out: tell, error: tell });
  return { status, told };
}

describe("explained decisions", () => {
  it("come with the answer, on the token lane and streamed, and are kept", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const urls = [one, two].map((engine) => `http://${engine.address}`);
    await using router = await startRouter(urls, ["--enable-explain", "--shadow-policy", "round_robin"]);

    const first = await router.post("/v1/chat/completions", question, EXPLAIN);
    expect(first.headers.get("x-vllm-router-decision")).toMatch(
      /^\w+; place=http:.*reason=least_loaded; matched=0\/\d+; runner_up=http:.*tie=drawn_among_2_equals; candidates=2; excluded=0; policy=cache_aware$/,
    );
    await first.text();
    const streamed = await router.post("/v1/chat/completions", { ...question, stream: true }, EXPLAIN);
    await streamed.text();
    const header = streamed.headers.get("x-vllm-router-decision") ?? "";
    expect(header).toContain("reason=prefix");

    const id = header.split(";", 1)[0] ?? "";
    const answer = await fetch(`${router.url}/debug/decisions/${id}`);
    const decision = (await answer.json()) as ExplainedDecision;
    expect(decision).toMatchObject({
      id,
      lane: "token",
      summary: { kind: "place", reason: "prefix", tieBreak: null },
      record: { input: { policy: "cache_aware", candidates: [{}, {}] } },
      shadows: [{ policy: "round_robin" }],
    });
    expect(decision.summary.matchedTokens).toBeGreaterThan(64);
    expect(JSON.stringify(decision)).not.toContain("Explain yourself");

    const list = (await (await fetch(`${router.url}/debug/decisions?limit=1`)).json()) as {
      decisions: { id: string }[];
    };
    expect(list.decisions.map((entry) => entry.id)).toEqual([id]);
    expect((await fetch(`${router.url}/debug/decisions/unknown`)).status).toBe(404);
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    expect(metrics).toContain('vllm_router_shadow_decisions_total{policy="round_robin"} 2');
    expect(metrics).toMatch(
      /vllm_router_policy_predicted_hit_tokens_total\{policy="cache_aware",role="acting"\} [1-9]/,
    );
  });

  it("come with answers and refusals of HTTP workers", async () => {
    await using worker = await startHttpWorker(["m"], (_request, response) => void response.end("{}"));
    await using router = await startRouter([worker.url], ["--enable-explain"]);
    const answer = await router.post("/v1/chat/completions", { model: "m", messages: [] }, EXPLAIN);
    expect(await answer.text()).toBe("{}");
    expect(answer.headers.get("x-vllm-router-decision")).toContain(
      `place=${worker.url}; rank=0; reason=only`,
    );
    await worker.kill();
    const failed = await router.post("/v1/chat/completions", { model: "m", messages: [] }, EXPLAIN);
    expect(failed.status).toBe(503);
    const header = failed.headers.get("x-vllm-router-decision") ?? "";
    expect(header).toContain("none=unhealthy; candidates=0; excluded=1");
  });

  it("are made for nobody who does not ask, and for nobody at all by default", async () => {
    await using engine = await startSimulator({ speed: 0 });
    const url = `http://${engine.address}`;
    await using open = await startRouter([url], ["--enable-explain"]);
    const unasked = await open.post("/v1/chat/completions", question);
    expect(unasked.headers.get("x-vllm-router-decision")).toBeNull();
    expect(await (await fetch(`${open.url}/debug/decisions`)).json()).toEqual({ decisions: [] });
    await using shut = await startRouter([url]);
    const asked = await shut.post("/v1/chat/completions", question, EXPLAIN);
    expect(asked.headers.get("x-vllm-router-decision")).toBeNull();
    expect((await fetch(`${shut.url}/debug/decisions`)).status).toBe(404);
  });

  it("are shown to this machine and holders of the admin key only", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter([`http://${engine.address}`], ["--enable-explain"], {
      environment: { VLLM_ROUTER_ADMIN_API_KEY: "hush" },
    });
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${router.url}/debug/decisions`, { headers })).status;
    expect(await status({})).toBe(200);
    const forwarded = { "x-forwarded-for": "192.0.2.1" };
    expect(await status(forwarded)).toBe(403);
    expect(await status({ ...forwarded, authorization: "Bearer wrong" })).toBe(403);
    expect(await status({ ...forwarded, authorization: "Bearer hush" })).toBe(200);
    expect(router.logText()).not.toContain("hush");
  });
});

describe("the decision log", () => {
  it("holds what is needed to decide again identically, and replay finds what differs", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const urls = [one, two].map((engine) => `http://${engine.address}`);
    const file = join(directory, "decisions.jsonl");
    for (const policy of ["cache_aware", "weighted", "sticky", "rendezvous_hash", "least_load"]) {
      await using router = await startRouter(urls, ["--policy", policy, "--decision-log", file]);
      for (const user of ["a", "b", "a"]) {
        await (await router.post("/v1/chat/completions", { ...question, user })).text();
      }
    }
    const text = await readFile(file, "utf8");
    expect(text).not.toContain("Explain yourself");
    expect(text.trim().split("\n")).toHaveLength(15);
    expect(await replay(file)).toEqual({
      status: 0,
      told: "15 decisions, all decided again identically\n",
    });

    const [first = "", ...rest] = text.trim().split("\n");
    const changed = JSON.parse(first) as { record: { decision: { candidate: number } } };
    changed.record.decision.candidate = 7;
    const other = join(directory, "changed.jsonl");
    await writeFile(other, [JSON.stringify(changed), "no json", ...rest].join("\n"));
    const report = await replay(other);
    expect(report.status).toBe(1);
    expect(report.told).toContain("line 1: ");
    expect(report.told).toContain("16 decisions: 14 decided again identically, 1 differently, 1 unreadable");
    expect((await replay(join(directory, "missing.jsonl"))).status).toBe(1);
  });

  it("says so when it cannot be written, and goes on routing", async () => {
    await using engine = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [`http://${engine.address}`],
      ["--decision-log", join(directory, "no", "such", "directory.jsonl")],
    );
    await eventually("it is said", () => router.logText().includes("decision log: ENOENT"));
    expect((await router.post("/v1/chat/completions", question)).status).toBe(200);
    const metrics = await (await fetch(`${router.url}/metrics`)).text();
    expect(metrics).toContain("vllm_router_decision_log_dropped_total 1");
  });
});
