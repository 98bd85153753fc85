import { type KvBatch, packKvBatch } from "@vllm-router/engine-client/kv";
import { describe, expect, it } from "vitest";
import type { FromKvThread, KvThreadNews, ToKvThread } from "./kv-thread-messages.ts";
import { type KvThread, ThreadedKvTransport } from "./threaded-kv-transport.ts";

class FakeThread implements KvThread {
  readonly sent: ToKvThread[] = [];
  readonly listeners = new Map<string, (value: never) => void>();
  isTerminated = false;

  postMessage(message: ToKvThread): void {
    this.sent.push(message);
  }

  on(event: string, listener: (value: never) => void): void {
    this.listeners.set(event, listener);
  }

  unref(): void {}

  async terminate(): Promise<void> {
    this.isTerminated = true;
  }

  tell(...news: FromKvThread): void {
    this.listeners.get("message")?.(news as never);
  }

  die(): void {
    this.listeners.get("error")?.(new Error("out of memory") as never);
    this.listeners.get("exit")?.(undefined as never);
  }
}

function setUp() {
  const threads: FakeThread[] = [];
  const said: string[] = [];
  const turns: (() => void)[] = [];
  const transport = new ThreadedKvTransport({
    changed: (detail) => said.push(detail),
    startThread: () => {
      const thread = new FakeThread();
      threads.push(thread);
      return thread;
    },
    later: (action) => turns.push(action),
  });
  return { threads, said, turns, transport };
}

function listener(heard: unknown[]) {
  return {
    connected: () => heard.push("connected"),
    batch: (batch: KvBatch) => heard.push(batch.sequence),
    malformed: (error: Error) => heard.push(`malformed ${error.message}`),
    end: (error: Error | undefined) => heard.push(`end ${error?.message}`),
  };
}

const news = (id: number, sequence: number, blocks = 0): KvThreadNews => ({
  kind: "batch",
  id,
  batch: packKvBatch({
    sequence,
    timestamp: 0,
    events:
      blocks === 0
        ? []
        : [{ kind: "removed", hashes: new Int32Array(2 * blocks), medium: "device", group: undefined }],
  }),
});

describe("ThreadedKvTransport", () => {
  it("starts its thread with the first listening and ends it with the last lease", () => {
    const { threads, transport } = setUp();
    const leases = [transport.lease(), transport.lease()];
    expect(threads).toHaveLength(0);
    const heard: unknown[] = [];
    const listening = transport.listen({ address: "tcp://a:1", topic: "kv", dials: false }, listener(heard));
    transport.replay({ address: "tcp://a:2", from: 7 }, listener(heard));
    const [thread] = threads;
    expect(thread?.sent).toEqual([
      { kind: "listen", id: 0, address: "tcp://a:1", topic: "kv", dials: false },
      { kind: "replay", id: 1, address: "tcp://a:2", from: 7 },
    ]);
    thread?.tell({ kind: "connected", id: 0 }, news(0, 3), news(1, 2));
    thread?.tell(
      { kind: "malformed", id: 0, error: { code: "protocol", message: "what?" } },
      { kind: "end", id: 1, error: undefined },
    );
    expect(heard).toEqual(["connected", 3, 2, "malformed what?", "end undefined"]);
    listening.stop();
    thread?.tell(news(0, 4));
    expect(heard).toHaveLength(5);
    expect(thread?.sent.at(-1)).toEqual({ kind: "stop", id: 0 });
    leases[0]?.[Symbol.dispose]();
    leases[0]?.[Symbol.dispose]();
    expect(thread?.isTerminated).toBe(false);
    leases[1]?.[Symbol.dispose]();
    expect([thread?.isTerminated, threads.length]).toEqual([true, 1]);
  });

  it("takes in a flood in turns, and says what it has taken", () => {
    const { threads, turns, transport } = setUp();
    using _lease = transport.lease();
    const heard: unknown[] = [];
    transport.listen({ address: "tcp://a:1", topic: "", dials: false }, listener(heard));
    threads[0]?.tell(...Array.from({ length: 10 }, (_, at) => news(0, at, 5_000)));
    expect(heard).toEqual([0, 1]);
    threads[0]?.tell(news(0, 10), { kind: "end", id: 0, error: { code: "unavailable", message: "gone" } });
    expect(heard).toEqual([0, 1]);
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, "end gone"]);
    const taken = threads[0]!.sent.flatMap((each) => (each.kind === "taken" ? [each.words] : []));
    expect(taken.reduce((sum, words) => sum + words, 0)).toBe(10 * 10_010);
    expect(taken.length).toBeGreaterThan(3);
  });

  it("ends all listenings when the thread dies, and begins again on another", () => {
    const { threads, said, transport } = setUp();
    using _lease = transport.lease();
    const heard: unknown[] = [];
    transport.listen({ address: "tcp://a:1", topic: "", dials: false }, listener(heard));
    threads[0]?.die();
    expect(heard).toEqual(["end the thread that hears KV events has died"]);
    expect(said).toEqual(["the thread that hears KV events has died and is started again: out of memory"]);
    threads[0]?.tell(news(0, 1));
    transport.listen({ address: "tcp://a:1", topic: "", dials: false }, listener(heard));
    threads[1]?.tell(news(1, 2));
    expect([threads.length, heard.length, heard.at(-1)]).toEqual([2, 2, 2]);
  });

  it("stays on this thread after five deaths, and says so", async () => {
    const { threads, said, transport } = setUp();
    using _lease = transport.lease();
    for (let death = 0; death < 5; death += 1) {
      transport.listen({ address: "tcp://a:1", topic: "", dials: false }, listener([]));
      threads[death]?.die();
    }
    expect([said.length, transport.isThreaded]).toEqual([5, false]);
    expect(said.at(-1)).toContain("received beside the requests from now on");
    const ended = new Promise((resolve) => {
      transport.listen(
        { address: "tcp://127.0.0.1:1", topic: "", dials: false },
        { ...listener([]), end: resolve },
      );
    });
    expect(await ended).toMatchObject({ code: "unavailable" });
    expect(threads).toHaveLength(5);
  });
});
