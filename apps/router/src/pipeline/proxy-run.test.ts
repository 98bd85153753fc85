import {
  EngineError,
  HTTP_CAPABILITIES,
  type GenerateCall,
  type ProxySink,
} from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { FakeDelays, FakeExchange } from "../../test/fake-pipeline.ts";
import { ProxyRun, type ProxyEnd, type ProxyServices } from "./proxy-run.ts";

/** The client's side, which passes bytes on. */
class ProxyExchange extends FakeExchange {
  headers: readonly string[] = [];
  /** Whether every worker's failure is said to be another one's. */
  isSparing = false;

  sendRawHead(status: number, headers: readonly string[]): void {
    this.status = status;
    this.headers = headers;
  }

  writeBytes(bytes: Uint8Array): boolean {
    this.written.push(new TextDecoder().decode(bytes));
    return !this.isFull;
  }

  flushBytes(): void {
    this.written.push("|");
  }
}

interface Call extends GenerateCall {
  readonly worker: string;
  readonly sink: ProxySink;
  isCancelled: boolean;
  isPaused: boolean;
}

function startProxy(workers: readonly string[], retries = 2, exchange = new ProxyExchange()) {
  const calls: Call[] = [];
  const released: string[] = [];
  const ends: ProxyEnd[] = [];
  const bugs: unknown[] = [];
  const delays = new FakeDelays();
  let held = 0;
  const services: ProxyServices = {
    place: (excluded) => {
      const workerId = workers.find((name) => !excluded.includes(name));
      if (workerId === undefined) {
        return { kind: "not-placed", failure: { code: "no_worker", message: "none", field: undefined } };
      }
      held += 1;
      let isReleased = false;
      return {
        kind: "placed",
        placement: {
          workerId,
          rank: undefined,
          reason: "first",
          deadlineAtMs: 5,
          output: () => undefined,
          isSpared: () => exchange.isSparing,
          release: (outcome) => {
            if (!isReleased) {
              isReleased = true;
              held -= 1;
              released.push(`${workerId} ${outcome}`);
            }
          },
          engine: {
            capabilities: HTTP_CAPABILITIES,
            upgrade: () => () => undefined,
            forward: (_request, sink) => {
              const call: Call = {
                worker: workerId,
                sink,
                isCancelled: false,
                isPaused: false,
                cancel: () => (call.isCancelled = true),
                pause: () => (call.isPaused = true),
                resume: () => (call.isPaused = false),
              };
              calls.push(call);
              return call;
            },
          },
        },
      };
    },
    retryDelayMs: (retry) => (retry > retries ? undefined : retry),
    after: delays.after,
    retryScheduled: () => undefined,
    retriesExhausted: () => undefined,
    firstByte: () => undefined,
    internalError: (_, error) => void bugs.push(error),
    ended: (_, end) => void ends.push(end),
  };
  const run = new ProxyRun(
    exchange.asExchange,
    { method: "POST", path: "/", headers: [], body: undefined, deadlineAtMs: undefined },
    services,
  );
  run.start();
  return { run, exchange, calls, released, ends, bugs, delays, services, heldCount: () => held };
}

const gone = (): EngineError => new EngineError("unavailable", "gone");
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("ProxyRun", () => {
  it("passes head and bytes on, and gives its place back once", () => {
    const { calls, exchange, released, ends, heldCount } = startProxy(["a"]);
    const sink = calls[0]?.sink;
    sink?.head({ status: 201, headers: ["x", "1"] });
    sink?.data(bytes("one"));
    sink?.flush();
    sink?.data(bytes("two"));
    sink?.end();
    expect([exchange.status, exchange.headers, exchange.text]).toEqual([201, ["x", "1"], "one|two"]);
    expect([released, ends, heldCount()]).toEqual([["a success"], [{ kind: "done" }], 0]);
  });

  it("asks a worker again that was not to blame", () => {
    const { calls, delays, exchange } = startProxy(["a", "b"]);
    exchange.isSparing = true;
    calls[0]?.sink.error(gone());
    delays.fire();
    expect(calls.map(({ worker }) => worker)).toEqual(["a", "a"]);
  });

  it("pauses the worker while the client does not read", () => {
    const { calls, exchange } = startProxy(["a"]);
    calls[0]?.sink.head({ status: 200, headers: [] });
    exchange.isFull = true;
    calls[0]?.sink.data(bytes("one"));
    expect(calls[0]?.isPaused).toBe(true);
    exchange.drain();
    expect(calls[0]?.isPaused).toBe(false);
  });

  it.each([408, 429, 500, 502, 503, 504])(
    "tries another worker for %i, and passes on what is left",
    (status) => {
      const { calls, exchange, delays, released } = startProxy(["a", "b"], 1);
      calls[0]?.sink.head({ status, headers: [] });
      expect(calls[0]?.isCancelled).toBe(true);
      delays.fire();
      expect(calls.map(({ worker }) => worker)).toEqual(["a", "b"]);
      calls[1]?.sink.head({ status, headers: [] });
      calls[1]?.sink.end();
      expect(exchange.status).toBe(status);
      expect(released).toEqual(["a failure", `b ${status >= 500 ? "failure" : "success"}`]);
    },
  );

  it.each([200, 400, 404, 422, 501])("passes %i on at once", (status) => {
    const { calls, exchange, delays } = startProxy(["a", "b"]);
    calls[0]?.sink.head({ status, headers: [] });
    expect([exchange.status, delays.waiting.length]).toEqual([status, 0]);
  });

  it("asks the only worker again, then tells what became of it", () => {
    const { calls, exchange, delays, released, heldCount } = startProxy(["a"], 2);
    for (let at = 0; at < 3; at += 1) {
      calls.at(-1)?.sink.error(gone());
      delays.fire();
    }
    expect([exchange.status, calls.length, heldCount()]).toEqual([503, 3, 0]);
    expect(released).toEqual(["a failure", "a failure", "a failure"]);
  });

  it("cuts an answer that cannot be completed", () => {
    const { calls, exchange, ends, heldCount } = startProxy(["a", "b"]);
    calls[0]?.sink.head({ status: 200, headers: [] });
    calls[0]?.sink.error(gone());
    expect([exchange.isEnded, calls.length, heldCount()]).toEqual([true, 1, 0]);
    expect(ends).toMatchObject([{ kind: "failed" }]);
  });

  it("ends with its client: at once, while a retry waits, and before it began", () => {
    const running = startProxy(["a"]);
    running.exchange.leave();
    expect(running.calls[0]?.isCancelled).toBe(true);
    const waiting = startProxy(["a"]);
    waiting.calls[0]?.sink.error(gone());
    waiting.exchange.leave();
    expect(waiting.delays.waiting).toEqual([]);
    const exchange = new ProxyExchange();
    exchange.leave();
    const early = startProxy(["a"], 2, exchange);
    expect(early.calls).toEqual([]);
    for (const { ends, heldCount } of [running, waiting, early]) {
      expect([ends, heldCount()]).toEqual([[{ kind: "gone" }], 0]);
    }
  });

  it("ends when the router stops: with an answer, or by cutting the one that has begun", () => {
    const before = startProxy(["a"]);
    before.run.abort({ kind: "stopping" });
    expect([before.exchange.status, before.heldCount()]).toEqual([503, 0]);
    const after = startProxy(["a"]);
    after.calls[0]?.sink.head({ status: 200, headers: [] });
    after.run.abort({ kind: "stopping" });
    expect([after.exchange.status, after.exchange.isEnded, after.heldCount()]).toEqual([200, true, 0]);
    expect(after.calls[0]?.isCancelled).toBe(true);
  });

  it("ends with 500 when placing throws", () => {
    const started = startProxy(["a"]);
    started.services.place = () => {
      throw new TypeError("a bug");
    };
    started.calls[0]?.sink.error(gone());
    started.delays.fire();
    expect([started.exchange.status, started.bugs.length, started.heldCount()]).toEqual([500, 1, 0]);
  });
});
