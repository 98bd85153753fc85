import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { startSimulator } from "@vllm-router/simulator";
import type { StartedThread } from "../src/threads/request-threads.ts";
import { alone, times } from "./separate-requests.ts";
import { eventually, startRouter } from "./start-router.ts";

const question = { messages: [{ role: "user", content: "Which thread are you?" }], max_tokens: 8 };
/** Nobody listens there. */
const NOBODY = "http://127.0.0.1:1";
const THREADS = ["--threads", "2"];
/** Prompts stay where they are however much is in flight there. */
const COPIES_NOTHING = ["--policy-parameters.waitTokens", "0"];

describe("--threads 2", { timeout: 60_000 }, () => {
  it("serves one port with one view of metrics, workers and what is in flight", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const engines = [one, two];
    await using router = await startRouter(
      engines.map(({ address }) => `http://${address}`),
      [...THREADS, "--policy", "least_load", "--enable-explain"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    engines.forEach((engine) => {
      engine.faults.isHanging = true;
    });
    const running = times(24, () => alone(chat, { body: question }));
    await eventually("all of them run", () => one.runningRequests + two.runningRequests === 24);
    // Each decision saw what the other thread had placed.
    expect([one.runningRequests, two.runningRequests]).toEqual([12, 12]);
    expect(router.router.inFlight()).toBe(24);
    const loads = await Promise.all(times(8, () => alone(`${router.url}/get_loads`)));
    for (const { text } of loads) {
      expect(JSON.parse(text)).toEqual({
        workers: engines.map(({ address }) => ({ worker: `http://${address}`, load: 12 })),
      });
    }
    engines.forEach((engine) => {
      engine.faults.isHanging = false;
    });
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual(times(24, () => 200));
    expect(router.router.inFlight()).toBe(0);
    const scrapes = await Promise.all(times(8, () => alone(`${router.url}/metrics`)));
    for (const { text } of scrapes) {
      expect(text).toContain('vllm_router_requests_total{route="/v1/chat/completions"} 24\n');
      expect(text).toContain('vllm_router_request_duration_seconds_count{route="/v1/chat/completions"} 24\n');
      expect(text).toContain("vllm_router_active_workers 2\n");
      expect(text.match(/^process_cpu_seconds_total /gm)).toHaveLength(1);
      expect(text.match(/^# TYPE vllm_router_requests_total /gm)).toHaveLength(1);
    }
    await eventually(
      "every request is logged",
      () => router.logs.filter(({ route }) => route === "/v1/chat/completions").length === 24,
    );

    const explained = await alone(chat, { body: question, headers: { "x-vllm-router-explain": "1" } });
    expect(explained.status).toBe(200);
    const lists = await Promise.all(times(8, () => alone(`${router.url}/debug/decisions`)));
    for (const { text } of lists) {
      const { decisions } = JSON.parse(text) as { decisions: { id: string }[] };
      expect(decisions).toHaveLength(1);
      const { status } = await alone(`${router.url}/debug/decisions/${decisions[0]?.id}`);
      expect(status).toBe(200);
    }
  });

  it("finds a prompt where any of its threads has placed it", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const engines = [one, two];
    await using router = await startRouter(
      engines.map(({ address }) => `http://${address}`),
      [...THREADS, "--policy", "cache_aware", ...COPIES_NOTHING, "--enable-explain"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    for (let round = 0; round < 6; round += 1) {
      const content = `${round} ${"The same words again and again. ".repeat(40)}`;
      const body = { messages: [{ role: "user", content }], max_tokens: 2 };
      const before = engines.map(({ requests }) => requests.length);
      expect((await alone(chat, { body })).status).toBe(200);
      const holder = engines.findIndex(({ requests }, at) => requests.length > before[at]!);
      await eventually("every thread finds it", async () => {
        const told = await Promise.all(
          times(4, () => alone(chat, { body, headers: { "x-vllm-router-explain": "1" } })),
        );
        return told.every(({ decision }) => decision.includes("reason=prefix"));
      });
      const after = engines.map(({ requests }) => requests.length);
      for (let again = 0; again < 6; again += 1) {
        await alone(chat, { body });
      }
      expect(engines[holder]!.requests.length).toBe(after[holder]! + 6);
    }
  });

  it("keeps a session on its worker, whichever thread has it", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const engines = [one, two];
    await using router = await startRouter(
      engines.map(({ address }) => `http://${address}`),
      [...THREADS, "--policy", "sticky", "--enable-explain"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    const workersOf = async (session: string): Promise<number> => {
      const headers = { "x-session-id": session, "x-vllm-router-explain": "1" };
      await alone(chat, { body: question, headers });
      const told = await Promise.all(times(8, () => alone(chat, { body: question, headers })));
      return new Set(told.map(({ decision }) => /place=(\S+); /.exec(decision)?.[1])).size;
    };
    expect(await Promise.all(times(6, (session) => workersOf(`session ${session}`)))).toEqual(
      times(6, () => 1),
    );
    expect(Math.min(...engines.map(({ requests }) => requests.length))).toBeGreaterThan(0);
  });

  it("admits and queues as many as with one thread", async () => {
    await using engine = await startSimulator({ speed: 0, faults: { isHanging: true } });
    await using router = await startRouter(
      [`http://${engine.address}`],
      [...THREADS, "--max-concurrent-requests", "4", "--queue-size", "8"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    const sent = times(20, () => alone(chat, { body: question }));
    let refused = 0;
    for (const answer of sent) {
      void answer.then(({ status }) => {
        refused += status === 429 ? 1 : 0;
      });
    }
    await eventually("those beyond limit and queue are refused", () => refused === 8);
    // A refusal may come before the engine has heard of those admitted ahead of it.
    await eventually("the engine has those within the limit", () => engine.runningRequests === 4);
    expect((await alone(`${router.url}/metrics`)).text).toContain("vllm_router_queued_requests 8\n");
    engine.faults.isHanging = false;
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(12);
    expect((await alone(`${router.url}/metrics`)).text).toContain("vllm_router_queued_requests 0\n");
  });

  it("takes back what a thread had that dies, and starts another one in its place", async () => {
    await using engine = await startSimulator({ stepMs: 5 });
    const threads: StartedThread[] = [];
    await using router = await startRouter(
      [`http://${engine.address}`],
      [...THREADS, "--max-concurrent-requests", "24", "--queue-size", "0"],
      { threadStarted: (thread) => threads.push(thread) },
    );
    const chat = `${router.url}/v1/chat/completions`;
    engine.faults.isHanging = true;
    const outcomes = times(24, () =>
      alone(chat, { body: question }).then(
        ({ status }) => status,
        () => 0,
      ),
    );
    await eventually("all of them run", () => engine.runningRequests === 24);
    await threads.find(({ thread }) => thread === 0)?.terminate();
    await eventually(
      "the engine has no more than the other thread's",
      () => engine.runningRequests < 24 && router.router.inFlight() === engine.runningRequests,
    );
    const left = router.router.inFlight();
    expect(left).toBeGreaterThan(0);
    engine.faults.isHanging = false;
    const statuses = await Promise.all(outcomes);
    expect(statuses.filter((status) => status === 200)).toHaveLength(left);
    expect(statuses.filter((status) => status === 0)).toHaveLength(24 - left);
    await eventually("another thread serves", () => router.logText().includes("serves in its place"));
    expect(threads.map(({ thread }) => thread)).toEqual([0, 1, 0]);
    // A place that was not given back would be missing now.
    const again = await Promise.all(times(24, () => alone(chat, { body: question })));
    expect(again.map(({ status }) => status)).toEqual(times(24, () => 200));
    expect(router.router.inFlight()).toBe(0);
  });

  it("ends quietly while a thread is being replaced", async () => {
    const threads: StartedThread[] = [];
    const router = await startRouter([NOBODY], THREADS, {
      waitForWorkers: false,
      threadStarted: (thread) => threads.push(thread),
    });
    await threads[0]?.terminate();
    await eventually("another one is started", () => threads.length === 3);
    const closed = router.router.close(0);
    await new Promise(setImmediate);
    await threads[2]?.terminate();
    await closed;
    expect(router.logText()).not.toContain("could not be replaced");
  });

  it("follows workers that go and come back, in every thread", async () => {
    await using one = await startSimulator({ speed: 0 });
    const two = await startSimulator({ speed: 0 });
    const { port } = two;
    await using router = await startRouter(
      [one, two].map(({ address }) => `http://${address}`),
      [...THREADS, "--policy", "round_robin", "--worker-startup-check-interval", "1"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    await two[Symbol.asyncDispose]();
    const during = await Promise.all(times(16, () => alone(chat, { body: question })));
    expect(during.map(({ status }) => status)).toEqual(times(16, () => 200));
    const states = async (): Promise<readonly string[]> =>
      (await Promise.all(times(6, () => alone(`${router.url}/workers`)))).map(({ text }) =>
        (JSON.parse(text) as { workers: { is_healthy: boolean }[] }).workers
          .map((worker) => worker.is_healthy)
          .join(),
      );
    await eventually("every thread knows that it is gone", async () =>
      (await states()).every((state) => state === "true,false"),
    );
    await using back = await startSimulator({ speed: 0, port });
    await eventually("every thread knows that it is back", async () =>
      (await states()).every((state) => state === "true,true"),
    );
    await eventually("both threads use it", async () => {
      await Promise.all(times(8, () => alone(chat, { body: question })));
      return back.requests.length >= 4;
    });
    expect(router.router.inFlight()).toBe(0);
  });

  it("opens the breakers of all threads on the failures of each", async () => {
    await using bad = await startSimulator({ speed: 0, faults: { refuseRate: 1 } });
    await using good = await startSimulator({ speed: 0 });
    await using router = await startRouter(
      [bad, good].map(({ address }) => `http://${address}`),
      [
        ...THREADS,
        "--policy",
        "round_robin",
        "--cb-failure-threshold",
        "4",
        "--cb-timeout-duration-secs",
        "60",
      ],
    );
    const chat = `${router.url}/v1/chat/completions`;
    const answers = await Promise.all(times(12, () => alone(chat, { body: question })));
    expect(answers.map(({ status }) => status)).toEqual(times(12, () => 200));
    await eventually("the breaker is open", async () =>
      (await alone(`${router.url}/metrics`)).text.includes(
        `vllm_router_cb_state{worker="http://${bad.address}"} 1`,
      ),
    );
    const tried = bad.requests.length;
    await Promise.all(times(12, () => alone(chat, { body: question })));
    expect(bad.requests.length).toBe(tried);
  });

  it("lets answers end that run when it is told to stop", async () => {
    await using engine = await startSimulator({ stepMs: 5 });
    const router = await startRouter([`http://${engine.address}`], THREADS);
    const body = { ...question, max_tokens: 40, ignore_eos: true, stream: true };
    const streams = times(8, () => alone(`${router.url}/v1/chat/completions`, { body }));
    await eventually("they run", () => engine.runningRequests === 8);
    await router.router.close(10_000);
    for (const { text } of await Promise.all(streams)) {
      expect(text).toMatch(/data: \[DONE\]\n\n$/);
    }
    await expect(alone(`${router.url}/health`)).rejects.toThrow("ECONNREFUSED");
    await eventually("no connection is left", () => engine.openConnections === 0);
  });

  it("has shadow policies decide once on what all threads place", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const engines = [one, two];
    await using router = await startRouter(
      engines.map(({ address }) => `http://${address}`),
      [...THREADS, "--policy", "least_load", "--shadow-policy", "round_robin", "--enable-explain"],
    );
    const chat = `${router.url}/v1/chat/completions`;
    const headers = { "x-vllm-router-explain": "1" };
    await Promise.all(times(20, () => alone(chat, { body: question, headers })));
    const { text } = await alone(`${router.url}/metrics`);
    expect(text).toContain('vllm_router_shadow_decisions_total{policy="round_robin"} 20\n');
    expect(text).toMatch(/vllm_router_policy_prompt_tokens_total\{policy="least_load",role="acting"\} [1-9]/);
    const list = await alone(`${router.url}/debug/decisions?limit=20`);
    const { decisions } = JSON.parse(list.text) as { decisions: { id: string }[] };
    const shadowed = await Promise.all(
      decisions.map(async ({ id }) => {
        const { text } = await alone(`${router.url}/debug/decisions/${id}`);
        return (JSON.parse(text) as { shadows: { policy: string; worker: string }[] }).shadows;
      }),
    );
    expect(shadowed.map((shadows) => shadows.map(({ policy }) => policy))).toEqual(
      times(20, () => ["round_robin"]),
    );
    // One after the other, whichever thread had placed them.
    const at = (engine: number): number =>
      shadowed.filter(([shadow]) => shadow?.worker === `http://${engines[engine]!.address}`).length;
    expect([at(0), at(1)]).toEqual([10, 10]);
  });

  it("asks a policy of the user's own in every thread, until it fails in one", async () => {
    await using one = await startSimulator({ speed: 0 });
    await using two = await startSimulator({ speed: 0 });
    const engines = [one, two];
    const directory = await mkdtemp(join(tmpdir(), "threads-policy-"));
    const file = join(directory, "policy.ts");
    const preferring = (score: string): string =>
      `export const policy = { name: 'own', score: (input, candidate) => ${score} };`;
    try {
      await writeFile(file, preferring("-input.slots[candidate]"));
      await using router = await startRouter(
        engines.map(({ address }) => `http://${address}`),
        [
          ...THREADS,
          "--policy",
          "round_robin",
          "--policy-file",
          file,
          "--enable-explain",
          "--policy-budget-ms",
          "5000",
          "--policy-timeout-ms",
          "10000",
        ],
      );
      const chat = `${router.url}/v1/chat/completions`;
      const headers = { "x-vllm-router-explain": "1" };
      const placed = async (count: number): Promise<readonly (string | undefined)[]> => {
        const answers = await Promise.all(times(count, () => alone(chat, { body: question, headers })));
        return answers.map(({ decision }) => /place=(\S+);.*policy=(\w+)/.exec(decision)?.slice(1).join(" "));
      };
      const isActive = async (): Promise<string | undefined> =>
        /vllm_router_policy_file_active (\d)\n/.exec((await alone(`${router.url}/metrics`)).text)?.[1];
      // Which of them came to know its place first is not said.
      const places = engines.map(({ address }) => `http://${address} own`);
      const before = await placed(16);
      expect(places).toContain(before[0]);
      expect(before).toEqual(times(16, () => before[0]));
      const other = places.find((place) => place !== before[0]);
      expect(await isActive()).toBe("1");
      await writeFile(file, preferring("input.slots[candidate]"));
      // Told once all threads have it.
      const loaded = (): number => router.logText().split("policy file loaded").length - 1;
      await eventually("the change is loaded", () => loaded() === 2, 30_000);
      expect(await placed(16)).toEqual(times(16, () => other));

      await writeFile(file, preferring("input.promptTokens > 100 ? undefined : input.slots[candidate]"));
      await eventually("the next change is loaded", () => loaded() === 3, 30_000);
      expect(await placed(16)).toEqual(times(16, () => other));
      const long = { ...question, messages: [{ role: "user", content: "word ".repeat(200) }] };
      expect((await alone(chat, { body: long })).status).toBe(200);
      await eventually("the failure is told", async () => (await isActive()) === "0");
      // The other thread has been told before it is asked for its metrics.
      expect(await isActive()).toBe("0");
      const after = await placed(16);
      expect(after.filter((place) => place?.endsWith(" round_robin"))).toHaveLength(16);
      expect((await alone(`${router.url}/metrics`)).text).toMatch(
        /vllm_router_policy_file_faults_total\{fault="\w+"\} 1\n/,
      );
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("does not start with a broken policy", async () => {
    const directory = await mkdtemp(join(tmpdir(), "threads-policy-"));
    try {
      const file = join(directory, "policy.ts");
      await writeFile(file, "export const other = 1;");
      await expect(
        startRouter([NOBODY], [...THREADS, "--policy-file", file], { waitForWorkers: false }),
      ).rejects.toMatchObject({
        code: "policy_file",
        message: expect.stringContaining("exports no object named policy") as string,
      });
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("names what it cannot do", async () => {
    await expect(
      startRouter([NOBODY], [...THREADS, "--uds", "/tmp/router.sock"], { waitForWorkers: false }),
    ).rejects.toThrow(/--threads 2 cannot be had together with --uds: /);
  });

  it("says when its port is taken", async () => {
    await using first = await startRouter([NOBODY], THREADS, { waitForWorkers: false });
    const port = new URL(first.url).port;
    await expect(
      startRouter([NOBODY], [...THREADS, "--port", port], { waitForWorkers: false }),
    ).rejects.toThrow(`port ${port} on 127.0.0.1 is already in use`);
  });
});
