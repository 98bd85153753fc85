import { describe, expect, it } from "vitest";
import { startSimulator, type Simulator } from "@vllm-router/simulator";
import type { StartedThread } from "../src/threads/request-threads.ts";
import { alone, times, type Answer } from "./separate-requests.ts";
import { eventually, startRouter, type TestRouter } from "./start-router.ts";

const question = { model: "sim", input: "Tell me about responses.", max_output_tokens: 16, temperature: 0 };

/** What of a response is looked at. */
interface Shown {
  readonly id: string;
  readonly status: string;
  readonly output: readonly unknown[];
  readonly usage: { readonly input_tokens: number } | null;
}

interface Served extends AsyncDisposable {
  readonly engine: Simulator;
  readonly router: TestRouter;
  readonly threads: readonly StartedThread[];
  /** Each on a connection of its own, so that the system gives it to any of the threads. */
  readonly create: (body?: object) => Promise<Shown>;
  readonly get: (id: string, query?: string) => Promise<Answer>;
  readonly cancel: (id: string) => Promise<Answer>;
}

async function serve(flags: readonly string[] = [], speed = 0): Promise<Served> {
  const engine = await startSimulator({ speed, servedModelNames: ["sim"] });
  const threads: StartedThread[] = [];
  const router = await startRouter(
    [`http://${engine.address}`],
    ["--threads", "2", "--enable-responses-api-store", ...flags],
    { threadStarted: (thread) => threads.push(thread) },
  );
  const responses = `${router.url}/v1/responses`;
  return {
    engine,
    router,
    threads,
    create: async (body = {}) => {
      const answer = await alone(responses, { body: { ...question, ...body } });
      expect([answer.status, answer.status === 200 ? "" : answer.text]).toEqual([200, ""]);
      return JSON.parse(answer.text) as Shown;
    },
    get: (id, query = "") => alone(`${responses}/${id}${query}`),
    cancel: (id) => alone(`${responses}/${id}/cancel`, { method: "POST" }),
    [Symbol.asyncDispose]: async () => {
      await router[Symbol.asyncDispose]();
      await engine[Symbol.asyncDispose]();
    },
  };
}

const eventsOf = (text: string): readonly string[] => text.split("\n\n").filter((event) => event !== "");
const shown = ({ text }: Answer): Shown => JSON.parse(text) as Shown;

describe("kept responses in several threads", { timeout: 60_000 }, () => {
  it("are found in every thread as soon as they are answered, and gone on from", async () => {
    await using served = await serve();
    const { create, get, cancel } = served;
    const firsts = await Promise.all(times(8, () => create()));
    await Promise.all(
      firsts.map(async (first) => {
        for (const found of await Promise.all(times(3, () => get(first.id)))) {
          expect([found.status, shown(found)]).toMatchObject([200, { id: first.id, output: first.output }]);
        }
        const seconds = await Promise.all(
          times(3, () => create({ input: "Go on.", previous_response_id: first.id })),
        );
        for (const second of seconds) {
          expect(second.usage?.input_tokens).toBeGreaterThan(first.usage?.input_tokens ?? 0);
        }
        expect((await cancel(first.id)).status).toBe(400);
      }),
    );
    const unkept = await create({ store: false });
    const missing = await Promise.all(times(4, () => get(unkept.id)));
    expect(missing.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
    const lost = await alone(`${served.router.url}/v1/responses`, {
      body: { ...question, previous_response_id: unkept.id },
    });
    expect(lost.status).toBe(404);
    expect((await cancel(unkept.id)).status).toBe(404);
  });

  it("are made in the background, and followed from any thread while they are made", async () => {
    await using served = await serve([], 1);
    const { engine, create, get } = served;
    engine.faults.isHanging = true;
    const { id, status } = await create({ background: true });
    expect(status).toBe("queued");
    await eventually("the engine works on it", () => engine.runningRequests === 1);
    expect(shown(await get(id))).toMatchObject({ id, status: "queued", output: [] });
    const mine = alone(`${served.router.url}/v1/responses`, {
      body: { ...question, request_id: "resp_mine", background: true, stream: true },
    });
    await eventually("it is kept", async () => (await get("resp_mine")).status === 200);
    const followers = times(6, () => get("resp_mine", "?stream=true"));
    engine.faults.isHanging = false;
    const { text } = await mine;
    expect(eventsOf(text).at(-1)).toContain('"response.completed"');
    for (const follower of await Promise.all(followers)) {
      expect([follower.status, follower.text]).toEqual([200, text]);
    }
    // Who has seen its end finds it finished, whichever thread is asked.
    for (const late of await Promise.all(times(4, () => get("resp_mine")))) {
      expect(shown(late).status).toBe("incomplete");
    }
    for (const late of await Promise.all(times(4, () => get("resp_mine", "?stream=true&starting_after=1")))) {
      expect(eventsOf(late.text)).toEqual(eventsOf(text).slice(2));
    }
    await eventually("the first is finished", async () => shown(await get(id)).status === "incomplete");
    expect(served.router.router.inFlight()).toBe(0);
  });

  it("are cancelled from any thread, and stay so", async () => {
    await using served = await serve([], 1);
    const { engine, create, get, cancel } = served;
    engine.faults.isHanging = true;
    const made = await Promise.all(times(8, () => create({ background: true })));
    await eventually("the engine works on them", () => engine.runningRequests === 8);
    const cancelled = await Promise.all(made.map(({ id }) => cancel(id)));
    expect(cancelled.map((answer) => shown(answer).status)).toEqual(times(8, () => "cancelled"));
    await eventually("the engine was told", () => engine.openCalls === 0);
    for (const { id } of made) {
      const [again, found] = await Promise.all([cancel(id), get(id)]);
      expect([again.status, shown(found).status]).toEqual([400, "cancelled"]);
    }
    await eventually("nothing is in flight", () => served.router.router.inFlight() === 0);
  });

  it("have one bound for all threads", async () => {
    await using served = await serve(["--responses-api-store-size", "3"]);
    const ids: string[] = [];
    for (let index = 0; index < 8; index += 1) {
      ids.push((await served.create()).id);
    }
    const statuses = await Promise.all(ids.map(async (id) => (await served.get(id)).status));
    expect(statuses).toEqual([404, 404, 404, 404, 404, 200, 200, 200]);
    served.engine.faults.isHanging = true;
    for (let index = 0; index < 3; index += 1) {
      await served.create({ background: true });
    }
    const refused = await alone(`${served.router.url}/v1/responses`, {
      body: { ...question, background: true },
    });
    expect(refused.status).toBe(503);
    served.engine.faults.isHanging = false;
  });

  it("fail when the thread dies that makes them, and only those", async () => {
    await using served = await serve([], 1);
    const { engine, router, threads, create, get } = served;
    const finished = await create();
    engine.faults.isHanging = true;
    const made = await Promise.all(times(12, () => create({ background: true })));
    await eventually("the engine works on them", () => engine.runningRequests === 12);
    await threads[0]!.terminate();
    await eventually("the engine has no more than the other thread's", () => engine.runningRequests < 12);
    await eventually("the ledger as well", () => router.router.inFlight() === engine.runningRequests);
    const left = engine.runningRequests;
    const statusesOf = async (): Promise<readonly string[]> =>
      (await Promise.all(made.map(({ id }) => get(id)))).map((answer) => shown(answer).status).sort();
    const split = (running: string): string[] =>
      [...times(12 - left, () => "failed"), ...times(left, () => running)].sort();
    expect(await statusesOf()).toEqual(split("queued"));
    engine.faults.isHanging = false;
    await eventually("the others are finished", async () => !(await statusesOf()).includes("queued"));
    expect(await statusesOf()).toEqual(split("incomplete"));
    // What was kept before is kept still.
    expect(shown(await get(finished.id)).output).toEqual(finished.output);
  });
});
