import type { KvEventSource } from "@vllm-router/engine-client";
import { describe, expect, it } from "vitest";
import { assumedKvAddresses, namedKvAddresses } from "./kv-source-address.ts";

const source = (fields: Partial<KvEventSource> = {}): KvEventSource => ({
  transport: "zmq",
  endpoint: "tcp://*:5557",
  topic: "",
  replayEndpoint: "",
  rank: 0,
  encoding: "msgpack",
  schemaVersion: 1,
  replayBatches: 10_000,
  ...fields,
});
const worker = (url: string, ranks = 1, topic = ""): Parameters<typeof namedKvAddresses>[1] => ({
  url,
  ranks,
  topic,
});

describe("namedKvAddresses()", () => {
  it("reads wildcards as the worker's own host", () => {
    for (const host of ["*", "0.0.0.0", "[::]", "::"]) {
      const endpoint = `tcp://${host}:5557`;
      expect(
        namedKvAddresses(
          [source({ endpoint, replayEndpoint: "tcp://*:6000" })],
          worker("grpc://10.1.2.3:50051"),
        ),
      ).toEqual({
        kind: "found",
        addresses: [{ endpoint: "tcp://10.1.2.3:5557", replayEndpoint: "tcp://10.1.2.3:6000", topic: "" }],
      });
    }
    expect(namedKvAddresses([source()], worker("http://[fd00::7]:8000"))).toMatchObject({
      addresses: [{ endpoint: "tcp://[fd00::7]:5557" }],
    });
  });

  it("takes the ranks in order, whatever their numbers", () => {
    const both = [
      source({ rank: 5, endpoint: "tcp://*:5562" }),
      source({ rank: 4, endpoint: "tcp://*:5561" }),
    ];
    expect(namedKvAddresses(both, worker("http://a:8000", 2))).toMatchObject({
      addresses: [{ endpoint: "tcp://a:5561" }, { endpoint: "tcp://a:5562" }],
    });
    expect(namedKvAddresses(both, worker("http://a:8000", 1))).toEqual({
      kind: "unusable",
      reason: "the engine publishes for 2 data-parallel ranks, and 1 is routed to",
    });
  });

  it("waits where a publisher dials that has no wildcard and this router's port", () => {
    const asked = (endpoint: string, rank = 0, topic = "kv@a"): ReturnType<typeof namedKvAddresses> =>
      namedKvAddresses([source({ endpoint, rank, topic, replayEndpoint: "tcp://*:6000" })], {
        ...worker("http://10.1.2.3:8000"),
        bind: "tcp://*:5557",
      });
    const waits = { replayEndpoint: "tcp://10.1.2.3:6000", topic: "kv@a", dials: true };
    expect(asked("tcp://router:5557")).toEqual({
      kind: "found",
      addresses: [{ endpoint: "tcp://*:5557", ...waits }],
    });
    expect(asked("tcp://10.0.0.9:5559", 2)).toMatchObject({
      addresses: [{ endpoint: "tcp://*:5559", ...waits }],
    });
    // Bound to a port that it was not told.
    expect(asked("tcp://10.1.2.3:40001")).toEqual({
      kind: "found",
      addresses: [{ endpoint: "tcp://10.1.2.3:40001", replayEndpoint: "tcp://10.1.2.3:6000", topic: "kv@a" }],
    });
    expect(asked("tcp://*:5557")).toMatchObject({ addresses: [{ endpoint: "tcp://10.1.2.3:5557" }] });
    expect(asked("tcp://router:5557", 0, "")).toMatchObject({
      kind: "unusable",
      reason: expect.stringContaining("a topic of its own"),
    });
  });

  it("waits under llm-d's topics for engines that do not say where they publish, if it waits at all", () => {
    const asked = worker("http://10.1.2.3:8000", 2);
    expect(assumedKvAddresses({ ...asked, bind: "tcp://*:5557" })).toEqual([
      { endpoint: "tcp://*:5557", replayEndpoint: undefined, topic: "kv@10.1.2.3:8000@", dials: true },
      { endpoint: "tcp://*:5558", replayEndpoint: undefined, topic: "kv@10.1.2.3:8000@", dials: true },
    ]);
    expect(assumedKvAddresses(asked)).toEqual([]);
  });

  it("leaves alone what cannot be dialled: another machine's loopback and paths, what is not TCP", () => {
    const of = (endpoint: string, url: string): string =>
      namedKvAddresses([source({ endpoint })], worker(url)).kind;
    expect(of("tcp://127.0.0.1:5557", "http://a:8000")).toBe("unusable");
    expect(of("tcp://127.0.0.1:5557", "http://127.0.0.1:8000")).toBe("found");
    expect(of("ipc:///run/kv", "http://a:8000")).toBe("unusable");
    expect(of("ipc:///run/kv", "http://localhost:8000")).toBe("found");
    expect(of("inproc://kv", "http://localhost:8000")).toBe("unusable");
    expect(of("tcp://10.0.0.9:5557", "http://a:8000")).toBe("found");
    expect(
      namedKvAddresses([source({ replayEndpoint: "tcp://127.0.0.1:5558" })], worker("http://a:8000")),
    ).toMatchObject({ kind: "found", addresses: [{ replayEndpoint: undefined }] });
    expect(namedKvAddresses([source({ encoding: "protobuf" })], worker("http://a:8000")).kind).toBe(
      "unusable",
    );
    expect(namedKvAddresses([], worker("http://a:8000"))).toEqual({ kind: "none" });
  });

  it("listens to the narrower of the engine's topic and the configured one", () => {
    const topics = (own: string, wanted: string): unknown =>
      namedKvAddresses([source({ topic: own })], worker("http://a:8000", 1, wanted));
    expect(topics("kv@a", "kv@")).toMatchObject({ addresses: [{ topic: "kv@a" }] });
    expect(topics("other", "kv@")).toMatchObject({ addresses: [{ topic: "kv@" }] });
    expect(topics("kv@a", "")).toMatchObject({ addresses: [{ topic: "kv@a" }] });
  });
});
