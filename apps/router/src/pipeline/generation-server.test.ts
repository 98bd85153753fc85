import { badRequestError, parseCompletionRequest, parseJson } from "@vllm-router/api";
import { createAdmission, createAdmissionGate } from "@vllm-router/routing-core";
import { beforeAll, describe, expect, it } from "vitest";
import { builtinRuntime, envelopeOf, FakeExchange, FakePlacer } from "../../test/fake-pipeline.ts";
import { createFakeTimers } from "../../test/fake-timers.ts";
import type { ModelRuntime } from "../models/model-runtime.ts";
import type { RouterObserver } from "../observability/router-observer.ts";
import type { RequestScope } from "../server/request-scope.ts";
import { AdmissionControl } from "./admission-control.ts";
import { GenerationServer } from "./generation-server.ts";
import type { RequestPlan } from "./plan.ts";
import { prepareCompletion } from "./prepare-completion.ts";

let model: ModelRuntime;

beforeAll(async () => {
  model = await builtinRuntime();
});

function plan(body: Readonly<Record<string, unknown>> = {}): RequestPlan {
  const json = parseJson(JSON.stringify({ prompt: "Hi", max_tokens: 2, temperature: 0, ...body }));
  return prepareCompletion(parseCompletionRequest(json), envelopeOf(model));
}

/** A server for one request at a time with a queue of one. */
function createServer(): {
  readonly server: GenerationServer;
  readonly admission: AdmissionControl;
  readonly placer: FakePlacer;
  readonly timers: ReturnType<typeof createFakeTimers>;
} {
  const timers = createFakeTimers();
  const gate = createAdmissionGate({ maxConcurrentRequests: 1, startAtMs: 0 });
  const clock = (): number => timers.steadyMs();
  const admission = new AdmissionControl(
    createAdmission({ gate, queueSize: 1, queueTimeoutMs: 1_000, clock }),
    timers,
  );
  const placer = new FakePlacer("a");
  const server = new GenerationServer({
    placer,
    admission,
    timers,
    observer: { internalError: () => undefined } as unknown as RouterObserver,
    policyName: "first",
    retryDelayMs: () => undefined,
    gapCell: () => ({ observe: () => undefined }),
  });
  return { server, admission, placer, timers };
}

function createScope(): { readonly scope: RequestScope; readonly exchange: FakeExchange } {
  const exchange = new FakeExchange();
  const scope = { exchange: exchange.asExchange, startedAtMs: 0, route: "/r", id: "", errorCode: undefined };
  return { scope: scope as unknown as RequestScope, exchange };
}

describe("GenerationServer", () => {
  it("holds the place to the end of the run, and sums it up", async () => {
    const { server, admission, placer, timers } = createServer();
    const { scope } = createScope();
    await server.serve(scope, () => plan());
    expect([server.runningCount, admission.inFlight]).toEqual([1, 1]);
    await timers.advance(25);
    placer.last.output([300, 301]).finish("length").flush().end();
    expect([server.runningCount, admission.inFlight, timers.size]).toEqual([0, 0, 0]);
    expect(scope).toMatchObject({
      id: "cmpl-id",
      errorCode: undefined,
      generation: {
        model: "m",
        workers: ["a"],
        policy: "first",
        reason: "first",
        attempts: 1,
        queueMs: 0,
        firstTokenMs: 25,
        completionTokens: 2,
        sequences: 1,
        maxTokens: 2,
        finishReasons: ["length"],
      },
    });
  });

  it("gives the place back when preparing throws, or a run cannot be made", async () => {
    const { server, admission } = createServer();
    const refusal = badRequestError("no");
    await expect(
      server.serve(createScope().scope, () => {
        throw refusal;
      }),
    ).rejects.toBe(refusal);
    const broken = { ...plan(), prompts: [{ ...plan().prompts[0], sampling: undefined }] };
    await expect(server.serve(createScope().scope, () => broken as unknown as RequestPlan)).rejects.toThrow(
      TypeError,
    );
    expect([server.runningCount, admission.inFlight]).toEqual([0, 0]);
  });

  it("refuses late: as the only event of a stream, and thrown where there is no stream", async () => {
    const { server, admission, placer } = createServer();
    const { scope, exchange } = createScope();
    await server.serve(scope, () => plan({ prompt: [9_000], stream: true }));
    expect([exchange.status, exchange.isEnded, scope.errorCode]).toEqual([200, true, "rejected"]);
    expect(exchange.text).toMatch(/^data: {"error": .*out of vocabulary.*}\n\ndata: \[DONE\]\n\n$/);
    await expect(server.serve(createScope().scope, () => plan({ prompt: [9_000] }))).rejects.toThrow(
      "out of vocabulary",
    );
    expect([admission.inFlight, placer.calls.length]).toEqual([0, 0]);
  });

  it("lets a request wait, refuses one too many, and forgets who leaves the queue", async () => {
    const { server, admission, placer, timers } = createServer();
    await server.serve(createScope().scope, () => plan());
    const leaving = createScope();
    let prepared = 0;
    const left = server.serve(leaving.scope, () => {
      prepared += 1;
      return plan();
    });
    const refused = createScope();
    await server.serve(refused.scope, () => plan());
    expect([refused.exchange.status, refused.scope.errorCode]).toEqual([429, "queue_full"]);
    leaving.exchange.leave();
    await left;
    expect([admission.queued, prepared, leaving.exchange.status]).toEqual([0, 0, undefined]);

    const slow = createScope();
    const waiting = server.serve(slow.scope, () => plan());
    await timers.advance(1_000);
    await waiting;
    expect([slow.exchange.status, slow.scope.errorCode]).toEqual([408, "queue_timeout"]);

    const next = createScope();
    const admitted = server.serve(next.scope, () => plan());
    placer.last.output([300, 301]).finish("length").flush().end();
    await admitted;
    expect(placer.calls).toHaveLength(2);
    placer.last.output([300, 301]).finish("length").flush().end();
    expect([next.exchange.status, admission.inFlight, timers.size]).toEqual([200, 0, 0]);
  });

  it("holds the place while the preparation takes its time, and goes on with what comes of it", async () => {
    const { server, admission, placer } = createServer();
    const { scope } = createScope();
    let prepared: ((plan: RequestPlan | undefined) => void) | undefined;
    const serving = server.serve(scope, () => new Promise((resolve) => (prepared = resolve)));
    await Promise.resolve();
    expect([admission.inFlight, placer.calls.length]).toEqual([1, 0]);
    prepared?.(plan());
    await serving;
    expect(placer.calls).toHaveLength(1);
    placer.last.output([300, 301]).finish("length").flush().end();
    await server.serve(createScope().scope, async () => undefined);
    await expect(
      server.serve(createScope().scope, async () => {
        throw badRequestError("no");
      }),
    ).rejects.toThrow("no");
    expect([admission.inFlight, server.runningCount, placer.calls.length]).toEqual([0, 0, 1]);
  });

  it("waits for what is under way for a request, until its client leaves or the router stops", async () => {
    const { server } = createServer();
    let given = 0;
    const begin = (): (() => void) => () => {
      given += 1;
    };
    const { scope, exchange } = createScope();
    const done = server.waiting<number>(scope, (resolve) => {
      resolve(5);
      return () => undefined;
    });
    expect(await done).toEqual({ value: 5 });
    const left = server.waiting(scope, begin);
    exchange.leave();
    expect([await left, given]).toEqual([undefined, 1]);
    const stopped = createScope();
    const waiting = server.waiting(stopped.scope, begin);
    expect(server.runningCount).toBe(1);
    server.abortAll();
    expect([await waiting, given, stopped.exchange.status, stopped.scope.errorCode]).toEqual([
      undefined,
      2,
      503,
      "stopping",
    ]);
    expect(server.runningCount).toBe(0);
  });

  it("ends everything that runs when the router stops at once", async () => {
    const { server, admission, placer } = createServer();
    const { scope, exchange } = createScope();
    await server.serve(scope, () => plan());
    server.abortAll();
    expect([exchange.status, scope.errorCode, placer.last.isCancelled]).toEqual([503, "stopping", true]);
    expect([admission.inFlight, placer.held, server.runningCount]).toEqual([0, 0, 0]);
  });
});
